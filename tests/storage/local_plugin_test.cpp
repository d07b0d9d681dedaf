/// What the plugin offers beside the storage contract.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "subject.hpp"
#include "temp_folder.hpp"

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
