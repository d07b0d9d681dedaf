/// What is left when the process that stores dies by SIGKILL.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "storage/local/local_store.hpp"
#include "subject.hpp"
#include "support/temp_folder.hpp"

namespace podium::local {
namespace {

namespace fs = std::filesystem;

std::string content_of(int number) {
  return test::noise(200'000 + static_cast<std::size_t>(number) * 7919 % 2'000'000,
                     static_cast<std::uint64_t>(number % 5));
}

/// Puts "0", "1", … for ever and tells each number once it is acknowledged; every third key is
/// replaced, so that the kill also meets replacing.
[[noreturn]] void put_for_ever(const fs::path& root, int acknowledged, int first) {
  LocalStore store({root});
  for (int number = first;; ++number) {
    const std::string content = content_of(number);
    for (int times = number % 3 == 0 ? 2 : 1; times > 0; --times) {
      test::TestSource source = test::source_of(content, 65'536);
      store.put(
          std::to_string(number),
          [&](char* buffer, std::size_t capacity) {
            return static_cast<std::size_t>(source(buffer, capacity));
          },
          content.size());
    }
    if (write(acknowledged, &number, sizeof number) != sizeof number) _exit(1);
  }
}

/// Runs put_for_ever until it has acknowledged `puts` more, kills it, and gives the last number.
int put_and_kill(const fs::path& root, int first, int puts) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    put_for_ever(root, ends[1], first);
  }
  close(ends[1]);
  int last = first - 1, number = 0;
  while (last < first + puts - 1 && read(ends[0], &number, sizeof number) == sizeof number) {
    last = number;
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (read(ends[0], &number, sizeof number) == sizeof number) last = number;
  close(ends[0]);
  return last;
}

TEST(LocalStoreCrash, LeavesEveryAcknowledgedBlobAndNothingHalfWritten) {
  const test::TempFolder scratch;
  const fs::path root = scratch.path() / "root";
  int last = -1;
  for (int round = 0; round < 12; ++round) {
    const int first = last + 1;
    last = put_and_kill(root, first, 1 + round % 4);
    ASSERT_GE(last, first);
  }

  LocalStore store({root});
  int listed = 0;
  store.list("", [&](const sdk::Blob& blob) {
    std::string got;
    store.get(blob.key, 0, UINT64_MAX, [&](std::string_view chunk) { got += chunk; });
    EXPECT_TRUE(got == content_of(std::stoi(std::string(blob.key)))) << blob.key;
    ++listed;
    return true;
  });
  EXPECT_GT(listed, last);  // 0 … last, and perhaps some that were not acknowledged any more

  store.sweep();
  EXPECT_TRUE(fs::is_empty(root / "tmp"));
  for (const auto& entry : fs::recursive_directory_iterator(root / "blobs")) {
    if (entry.is_directory()) continue;
    EXPECT_GT(entry.hard_link_count(), 1u) << entry.path();
  }
}

}  // namespace
}  // namespace podium::local
