#include "storage/local/local_store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "small_disk.hpp"
#include "subject.hpp"
#include "support/temp_folder.hpp"

namespace podium::local {
namespace {

namespace fs = std::filesystem;
using test::noise;
using test::SmallDisk;
using test::TempFolder;

Reader reader_of(std::string_view content) {
  return [source = test::source_of(content)](char* buffer, std::size_t capacity) {
    return static_cast<std::size_t>(source(buffer, capacity));
  };
}

void put(LocalStore& store, std::string_view key, std::string_view content) {
  store.put(key, reader_of(content), content.size());
}

std::string get(const LocalStore& store, std::string_view key) {
  std::string out;
  store.get(key, 0, UINT64_MAX, [&](std::string_view chunk) { out += chunk; });
  return out;
}

struct stat stat_of(const LocalStore& store, std::string_view key) {
  struct stat info;
  EXPECT_EQ(fstat(store.open(key).get(), &info), 0);
  return info;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) found.push_back(entry.path());
  }
  return found;
}

template <class Call>
Error failure_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {PODIUM_OK, ""};
}

class LocalStoreTest : public testing::Test {
 protected:
  StoreOptions options() const { return {scratch_.path() / "root"}; }
  fs::path root() const { return scratch_.path() / "root"; }
  std::vector<fs::path> blobs() const { return files_below(root() / "blobs"); }
  std::vector<fs::path> staged() const { return files_below(root() / "tmp"); }
  const fs::path& scratch() const { return scratch_.path(); }

 private:
  TempFolder scratch_;
};

TEST_F(LocalStoreTest, KeepsEqualContentOnceAndCountsItsKeysInLinks) {
  LocalStore store(options());

  put(store, "first", "the same");
  put(store, "second", "the same");

  EXPECT_EQ(stat_of(store, "first").st_ino, stat_of(store, "second").st_ino);
  EXPECT_EQ(stat_of(store, "first").st_nlink, 3u);
  EXPECT_EQ(blobs().size(), 1u);
}

TEST_F(LocalStoreTest, NamesABlobByItsSha256) {
  LocalStore store(options());

  put(store, "key", "abc");

  // FIPS 180-2, appendix B.1.
  EXPECT_TRUE(fs::exists(
      root() / "blobs/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST_F(LocalStoreTest, MakesBlobsWritableToAllBelowFoldersThatNobodyElseEnters) {
  const mode_t former = umask(0077);
  LocalStore store(options());
  put(store, "key", "content");
  umask(former);

  EXPECT_EQ(stat_of(store, "key").st_mode & 07777, 0666u);
  EXPECT_EQ(fs::status(root()).permissions(), fs::perms::owner_all);
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    if (!entry.is_directory()) continue;
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_all) << entry.path();
  }
}

TEST_F(LocalStoreTest, RefusesARootThatOthersMayWriteTo) {
  fs::create_directory(root());
  fs::permissions(root(), fs::perms::all);

  const Error error = failure_of([&] { LocalStore store(options()); });

  EXPECT_EQ(error.code(), PODIUM_UNAVAILABLE);
  EXPECT_THAT(error.what(), testing::HasSubstr(root().native()));
  EXPECT_THAT(error.what(), testing::HasSubstr("chmod go-w"));
}

TEST_F(LocalStoreTest, RemovesABlobWithItsLastKey) {
  LocalStore store(options());
  put(store, "first", "the same");
  put(store, "second", "the same");

  store.remove("first");
  EXPECT_EQ(blobs().size(), 1u);
  store.remove("second");
  EXPECT_EQ(blobs().size(), 0u);
}

TEST_F(LocalStoreTest, RemovesTheBlobOfAContentThatWasReplaced) {
  LocalStore store(options());
  put(store, "key", "former");

  put(store, "key", "later");

  EXPECT_EQ(blobs().size(), 1u);
  EXPECT_EQ(get(store, "key"), "later");
  EXPECT_TRUE(staged().empty());
}

TEST_F(LocalStoreTest, LeavesNothingInTmpWhenAKeyIsPutAgainWithItsContent) {
  LocalStore store(options());
  put(store, "key", "content");

  put(store, "key", "content");

  EXPECT_TRUE(staged().empty());
  EXPECT_EQ(stat_of(store, "key").st_nlink, 2u);
}

TEST_F(LocalStoreTest, KeepsABlobThatARunLinksToUntilASweepAfterTheRun) {
  LocalStore store(options());
  put(store, "key", "content");
  fs::create_hard_link(blobs().at(0), scratch() / "run");

  store.remove("key");
  EXPECT_EQ(store.sweep().blobs, 0u);
  EXPECT_EQ(blobs().size(), 1u);
  fs::remove(scratch() / "run");

  EXPECT_EQ(store.sweep().blobs, 1u);
  EXPECT_TRUE(blobs().empty());
}

TEST_F(LocalStoreTest, GivesADescriptorThatCannotWriteAndOutlivesTheKey) {
  LocalStore store(options());
  put(store, "key", "content");

  const Descriptor file = store.open("key");
  store.remove("key");

  EXPECT_EQ(fcntl(file.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  char buffer[16];
  EXPECT_EQ(pread(file.get(), buffer, sizeof buffer, 0), 7);
}

TEST_F(LocalStoreTest, TakesAKeyThatSharesAnOldBlobForNew) {
  LocalStore store(options());
  put(store, "old", "the same");
  fs::last_write_time(blobs().at(0), fs::file_time_type::clock::now() - std::chrono::hours(48));
  const std::int64_t old_ms = store.head("old").modified_ms;

  put(store, "new", "the same");

  EXPECT_GT(store.head("new").modified_ms, old_ms + 40 * 3'600'000);
}

TEST_F(LocalStoreTest, MakesATwinWhenABlobHasTooManyLinks) {
  StoreOptions few = options();
  few.max_links = 4;
  LocalStore store(few);

  for (int i = 0; i < 10; ++i) put(store, "key" + std::to_string(i), "the same");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(store, "key" + std::to_string(i)), "the same");
  for (int i = 0; i < 10; ++i) store.remove("key" + std::to_string(i));

  EXPECT_TRUE(blobs().empty());
  EXPECT_TRUE(files_below(root()).empty());
}

TEST_F(LocalStoreTest, ReplacesABlobThatWasCut) {
  LocalStore store(options());
  put(store, "damaged", "content");
  fs::resize_file(blobs().at(0), 3);

  put(store, "key", "content");

  EXPECT_EQ(get(store, "key"), "content");
}

TEST_F(LocalStoreTest, DoesNotListFilesThatAreNotItsOwn) {
  LocalStore store(options());
  fs::create_directory(root() / "objects/00");
  for (const char* name : {"README", "k", "kA%", "k%zz", "k%41", "kkey~", "z"}) {
    ASSERT_GE(creat((root() / "objects/00" / name).c_str(), 0600), 0);
  }

  int seen = 0;
  store.list("", [&](const sdk::Blob&) { return ++seen > 0; });

  EXPECT_EQ(seen, 0);
}

TEST_F(LocalStoreTest, SweepLeavesAPutInProgressAlone) {
  LocalStore store(options()), other(options());
  SweepResult swept, swept_by_other;
  int pieces = 0;

  store.put(
      "key",
      [&](char* buffer, std::size_t capacity) -> std::size_t {
        swept = store.sweep();
        swept_by_other = other.sweep();
        if (++pieces > 3) return 0;
        std::fill_n(buffer, capacity, 'x');
        return capacity;
      },
      std::nullopt);

  EXPECT_EQ(swept.staged + swept_by_other.staged, 0u);
  EXPECT_GT(get(store, "key").size(), 0u);
}

TEST_F(LocalStoreTest, SweepRemovesWhatACrashLeft) {
  LocalStore store(options());
  put(store, "key", "content");
  const fs::path blob = blobs().at(0);
  fs::create_hard_link(blob, root() / "tmp/link");           // in the midst of a replace
  ASSERT_GE(creat((root() / "tmp/half").c_str(), 0600), 0);  // in the midst of a put
  fs::create_directory(root() / "blobs/00");
  ASSERT_GE(creat((root() / "blobs/00/orphan").c_str(), 0666), 0);  // before the key was linked

  const SweepResult swept = store.sweep();

  EXPECT_EQ(swept.staged, 2u);
  EXPECT_EQ(swept.blobs, 1u);
  EXPECT_TRUE(staged().empty());
  EXPECT_EQ(get(store, "key"), "content");
}

TEST_F(LocalStoreTest, PutsSurviveRemovesAndSweepsOfTheSameContentBesideThem) {
  StoreOptions unsynced = options();
  unsynced.fsync = false;
  LocalStore store(unsynced), other(unsynced);
  std::atomic<int> putting{4}, wrong{0};

  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      LocalStore& mine = i % 2 == 0 ? store : other;
      const std::string key = "key" + std::to_string(i / 2);
      for (int round = 0; round < 300; ++round) {
        try {
          put(mine, "own" + std::to_string(i), "shared");
          if (get(mine, "own" + std::to_string(i)) != "shared") ++wrong;
          put(mine, key, round % 2 == 0 ? "shared" : "other");
          mine.remove("own" + std::to_string(i));
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
          ++wrong;
        }
      }
      --putting;
    });
  }
  threads.emplace_back([&] {
    while (putting > 0) store.sweep();
  });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
  store.remove("key0");
  store.remove("key1");
  store.sweep();
  EXPECT_TRUE(files_below(root()).empty());
}

TEST_F(LocalStoreTest, SaysThatTheDiskIsFullAndKeepsNothing) {
  SmallDisk disk(root(), "4m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  LocalStore store(options());
  put(store, "small", "content");

  const Error error = failure_of([&] { put(store, "big", noise(8 << 20, 1)); });

  EXPECT_EQ(error.code(), PODIUM_RESOURCE_EXHAUSTED);
  EXPECT_THAT(error.what(), testing::HasSubstr(root().native()));
  EXPECT_THAT(error.what(), testing::HasSubstr("No space left"));
  EXPECT_TRUE(staged().empty());
  EXPECT_EQ(blobs().size(), 1u);
  put(store, "other", noise(1 << 20, 2));
  EXPECT_EQ(get(store, "small"), "content");
}

TEST_F(LocalStoreTest, RemovesOnAFullDisk) {
  SmallDisk disk(root(), "4m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  LocalStore store(options());
  put(store, "first", noise(2 << 20, 1));
  failure_of([&] { put(store, "second", noise(3 << 20, 2)); });

  store.remove("first");

  put(store, "second", noise(3 << 20, 2));
  EXPECT_TRUE(get(store, "second") == noise(3 << 20, 2));
}

TEST_F(LocalStoreTest, ReadsButDoesNotWriteOnAReadOnlyDisk) {
  SmallDisk disk(root(), "8m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  LocalStore store(options());
  put(store, "key", "content");
  ASSERT_TRUE(disk.make_read_only());

  const Error error = failure_of([&] { put(store, "other", "content"); });

  EXPECT_EQ(error.code(), PODIUM_UNAVAILABLE);
  EXPECT_THAT(error.what(), testing::HasSubstr("Read-only file system"));
  EXPECT_EQ(failure_of([&] { store.remove("key"); }).code(), PODIUM_UNAVAILABLE);
  EXPECT_EQ(get(store, "key"), "content");
  EXPECT_FALSE(store.health().writable);
  EXPECT_THAT(store.health().problem, testing::HasSubstr("Read-only file system"));
}

TEST_F(LocalStoreTest, TellsHowMuchSpaceIsFreeAndWhetherThatIsLittle) {
  StoreOptions low = options();
  low.low_space = UINT64_MAX;

  const StoreHealth enough = LocalStore(options()).health(), little = LocalStore(low).health();

  EXPECT_TRUE(enough.writable);
  EXPECT_GT(enough.free_bytes, 0u);
  EXPECT_FALSE(enough.low);
  EXPECT_TRUE(little.writable);
  EXPECT_TRUE(little.low);
  EXPECT_TRUE(staged().empty());
}

TEST_F(LocalStoreTest, ChecksARootWithoutMakingIt) {
  Layout::check(root() / "deep" / "er");
  EXPECT_FALSE(fs::exists(root()));

  ASSERT_GE(creat((scratch() / "file").c_str(), 0600), 0);
  const Error error = failure_of([&] { Layout::check(scratch() / "file"); });
  EXPECT_EQ(error.code(), PODIUM_INVALID_ARGUMENT);
  EXPECT_THAT(error.what(), testing::HasSubstr("a file, expected a folder"));
}

}  // namespace
}  // namespace podium::local
