/// What the plugin offers beside the storage contract.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "subject.hpp"
#include "support/temp_folder.hpp"

namespace podium::test {
namespace {

std::vector<OptionValue> options(const std::filesystem::path& root, std::int64_t low_space = 0) {
  return {{"root", PODIUM_STRING, root},
          {"fsync", PODIUM_BOOLEAN, {}, 1},
          {"low_space", PODIUM_SIZE, {}, low_space}};
}

TEST(LocalPlugin, OpensBlobsAsFiles) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  ASSERT_TRUE(storage.put("key", "content").ok());
  const auto* files =
      static_cast<const podium_local_file*>(storage.extension(PODIUM_EXT_LOCAL_FILE));
  ASSERT_NE(files, nullptr);
  podium_error error{};
  error.size = sizeof error;
  int descriptor = -1;

  ASSERT_EQ(files->open(storage.self(), {"key", 3}, &descriptor, &error), PODIUM_OK);
  char buffer[16];
  EXPECT_EQ(read(descriptor, buffer, sizeof buffer), 7);
  close(descriptor);

  EXPECT_EQ(files->open(storage.self(), {"none", 4}, &descriptor, &error), PODIUM_NOT_FOUND);
  EXPECT_THAT(error.message, testing::HasSubstr("no such blob"));
}

/// A file without a name that holds `content`.
int unnamed_file(const std::filesystem::path& folder, const std::string& content) {
  const int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  EXPECT_EQ(write(file, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

struct Adoption {
  podium_code code;
  bool adopted = false;
};

Adoption adopt(Subject& storage, const char* key, int file, std::uint64_t length) {
  const auto* files =
      static_cast<const podium_adopt_file*>(storage.extension(PODIUM_EXT_ADOPT_FILE));
  const std::string digest(64, 'd');
  podium_error error{};
  error.size = sizeof error;
  Adoption made{};
  made.code = files->adopt(storage.self(), {key, strlen(key)}, file, length,
                           {digest.data(), digest.size()}, &made.adopted, &error);
  return made;
}

TEST(LocalPlugin, TakesOverAFileWithoutAName) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  const int file = unnamed_file(scratch.path(), "content");

  const Adoption made = adopt(storage, "key", file, 7);
  close(file);

  EXPECT_EQ(made.code, PODIUM_OK);
  EXPECT_TRUE(made.adopted);
  std::string content;
  EXPECT_TRUE(storage.get("key", content).ok());
  EXPECT_EQ(content, "content");
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path() / "blobs/tmp"));
  EXPECT_TRUE(storage.remove("key").ok());
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "blobs/blobs/dd" / std::string(64, 'd')));
}

TEST(LocalPlugin, LeavesAFileThatCannotBeGivenANameOrHasAnotherLength) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  const int elsewhere = unnamed_file("/dev/shm", "content");
  const int file = unnamed_file(scratch.path(), "content");

  const Adoption foreign = adopt(storage, "key", elsewhere, 7);
  const Adoption short_of = adopt(storage, "key", file, 8);
  close(elsewhere);
  close(file);

  EXPECT_EQ(foreign.code, PODIUM_OK);
  EXPECT_FALSE(foreign.adopted);
  EXPECT_EQ(short_of.code, PODIUM_INVALID_ARGUMENT);
  EXPECT_TRUE(storage.keys().empty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path() / "blobs/tmp"));
}

TEST(LocalPlugin, KeepsZerosAsHoles) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  std::string content(3 << 20, '\0');
  content.replace(1 << 20, 4, "data");

  ASSERT_TRUE(storage.put("key", content).ok());

  std::string kept;
  EXPECT_TRUE(storage.get("key", kept).ok());
  EXPECT_TRUE(kept == content);
  const auto* files =
      static_cast<const podium_local_file*>(storage.extension(PODIUM_EXT_LOCAL_FILE));
  int descriptor = -1;
  ASSERT_EQ(files->open(storage.self(), {"key", 3}, &descriptor, nullptr), PODIUM_OK);
  struct stat info {};
  ASSERT_EQ(fstat(descriptor, &info), 0);
  close(descriptor);
  EXPECT_LT(info.st_blocks * 512, 256 << 10);
}

TEST(LocalPlugin, TellsItsHealthWithFacts) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  Subject low(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs", INT64_MAX));
  const auto check = [](Subject& subject, std::string& detail) {
    const auto* health = static_cast<const podium_health*>(subject.extension(PODIUM_EXT_HEALTH));
    const podium_buffer out{sizeof out, &detail, [](void* ctx, podium_bytes chunk) {
                              static_cast<std::string*>(ctx)->append(chunk.data, chunk.size);
                              return true;
                            }};
    std::uint32_t state = 99;
    health->check(subject.self(), 1000, &state, &out);
    return state;
  };
  std::string detail, low_detail;

  EXPECT_EQ(check(storage, detail), PODIUM_HEALTHY);
  EXPECT_EQ(check(low, low_detail), PODIUM_DEGRADED);
  EXPECT_THAT(detail, testing::HasSubstr("\"free_bytes\":"));
  EXPECT_THAT(detail, testing::HasSubstr((scratch.path() / "blobs").native()));
}

TEST(LocalPlugin, SweepsAndSaysWhatItFound) {
  const TempFolder scratch;
  Subject storage(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"));
  const auto* upkeep =
      static_cast<const podium_maintenance*>(storage.extension(PODIUM_EXT_MAINTENANCE));
  ASSERT_NE(upkeep, nullptr);
  std::filesystem::copy_file("/etc/hostname", scratch.path() / "blobs/tmp/left");

  EXPECT_EQ(upkeep->sweep(storage.self(), nullptr), PODIUM_OK);
  EXPECT_EQ(upkeep->sweep(storage.self(), nullptr), PODIUM_OK);

  EXPECT_THAT(storage.log(), testing::ElementsAre(testing::HasSubstr("1 unfinished file")));
}

TEST(LocalPlugin, ChecksItsOptionsInADryRunWithoutMakingAnything) {
  const TempFolder scratch;

  Subject dry(PODIUM_LOCAL_PLUGIN, options(scratch.path() / "blobs"), PODIUM_DRY_RUN);

  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  EXPECT_THROW(Subject(PODIUM_LOCAL_PLUGIN, options("/etc/hostname/blobs"), PODIUM_DRY_RUN),
               std::runtime_error);
}

}  // namespace
}  // namespace podium::test
