/// Content that flows to a real store part by part, and what is left of it when that goes wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/testing/in_parts.hpp>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>

#include "servers.hpp"

namespace podium::test {
namespace {

using sdk::testing::InParts;
using testing::Contains;
using testing::HasSubstr;

class InPartsToMinio : public testing::TestWithParam<bool> {
 protected:
  /// Parts of contents that are on their way, as the server keeps them.
  std::vector<std::string> pending() const { return pending(data()); }
  static std::vector<std::string> pending(const std::filesystem::path& drive) {
    const auto folder = drive / ".minio.sys/multipart";
    std::vector<std::string> files;
    if (!std::filesystem::exists(folder)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path().filename().string());
    }
    return files;
  }
  std::filesystem::path data() const { return folder_.path() / "data"; }

  const std::string bucket_ = new_bucket();
  sdk::testing::TempDir folder_;
};

INSTANTIATE_TEST_SUITE_P(Minio, InPartsToMinio, testing::Bool(),
                         [](const auto& one) { return one.param ? "Tls" : "Plain"; });

TEST_P(InPartsToMinio, WhatIsGivenUpLeavesNoIncompleteUpload) {
  MinioServer server(GetParam(), data());
  const auto storage = open_storage(server, bucket_);
  InParts parts(*storage, noise(16 << 20, 1));
  ASSERT_TRUE(parts.begin("given-up").ok());
  ASSERT_TRUE(parts.put(1, 0, parts.part_size()).ok());
  ASSERT_FALSE(pending().empty());

  parts.end();

  EXPECT_THAT(pending(), testing::IsEmpty());
  EXPECT_TRUE(storage->keys().empty());
}

TEST_P(InPartsToMinio, AServerKilledInTheMiddleOfAPartIsToldAndShowsNothingOfIt) {
  MinioServer server(GetParam(), data());
  const auto storage = open_storage(server, bucket_, {{"attempts", "2"}, {"timeout", "10s"}});
  ASSERT_TRUE(storage->put("before", "kept").ok());
  InParts parts(*storage, noise(32 << 20, 2));
  ASSERT_TRUE(parts.begin("half").ok());
  ASSERT_TRUE(parts.put(1, 0, parts.part_size()).ok());
  server.freeze();
  auto second = std::async(std::launch::async,
                           [&] { return parts.put(2, parts.part_size(), parts.part_size()); });

  server.kill();
  const Outcome put = second.get();
  parts.end();
  server.start();

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE) << put.message;
  EXPECT_THAT(storage->log(), Contains(HasSubstr("stay in the store until the sweep")));
  const auto again = open_storage(server, bucket_);
  EXPECT_EQ(again->keys(), std::vector<std::string>{"before"});
}

TEST_P(InPartsToMinio, AServerThatComesBackInTheMiddleOfAPartGetsTheWhole) {
  MinioServer server(GetParam(), data());
  const auto storage = open_storage(server, bucket_, {{"attempts", "15"}, {"timeout", "10s"}});
  const std::string content = noise(32 << 20, 3);
  InParts parts(*storage, content);
  ASSERT_TRUE(parts.begin("whole").ok());
  ASSERT_TRUE(parts.put(1, 0, parts.part_size()).ok());
  server.freeze();
  auto second = std::async(std::launch::async, [&] {
    return parts.put(2, parts.part_size(), content.size() - parts.part_size());
  });

  server.kill();
  server.start();
  const Outcome put = second.get();
  const Outcome finish = parts.finish(content.size());
  parts.end();

  EXPECT_TRUE(put.ok()) << put.message;
  EXPECT_TRUE(finish.ok()) << finish.message;
  std::string out;
  ASSERT_TRUE(storage->get("whole", out).ok());
  EXPECT_TRUE(out == content);
  EXPECT_THAT(pending(), testing::IsEmpty());
}

TEST_P(InPartsToMinio, AFullDiskIsToldAsOneAndKeepsNothing) {
  const auto image = (folder_.path() / "image").native();
  std::filesystem::create_directories(data());
  run_command("truncate -s 160M " + image + " && mkfs.ext4 -q -m 0 " + image +
              " && mount -o loop " + image + " " + data().native());
  {
    MinioServer server(GetParam(), data() / "below");
    const auto storage = open_storage(server, bucket_, {{"attempts", "2"}});
    ASSERT_TRUE(storage->put("before", "kept").ok());
    InParts parts(*storage, noise(16 << 20, 4));
    ASSERT_TRUE(parts.begin("large").ok());

    Outcome put{PODIUM_OK, ""};
    for (std::uint32_t number = 1; number <= 12 && put.ok(); ++number) {
      put = parts.put(number, 0, parts.part_size());
    }
    parts.end();

    EXPECT_EQ(put.code, PODIUM_RESOURCE_EXHAUSTED) << put.message;
    EXPECT_THAT(put.message, HasSubstr("the store has no room left"));
    EXPECT_EQ(storage->keys(), std::vector<std::string>{"before"});
    // Its room is the server's to give free, in its own time.
    EXPECT_TRUE(std::filesystem::exists(data() / "below/.minio.sys/multipart"));
    EXPECT_THAT(pending(data() / "below"), testing::IsEmpty());
  }
  ::umount2(data().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace podium::test
