/// Databases that are damaged, foreign, locked, full, out of reach, or left by a crash. Each must
/// be told at once, as Failure(kUnavailable), and none may hang.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include "base/failure.hpp"
#include "session/database.hpp"
#include "session/store.hpp"
#include "storage/small_disk.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

namespace fs = std::filesystem;
using test::SmallDisk;
using test::TempFolder;
using testing::HasSubstr;

SessionRecord alices_session(const std::string& id) { return {id, "alice", "", 1, 2}; }

FileRecord file_named(const std::string& id, const std::string& session, std::string name = "a") {
  FileRecord file;
  file.id = id;
  file.session = session;
  file.name = std::move(name);
  file.blob = id;
  return file;
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

template <class Call>
Failure failure_of(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    call();
  } catch (const Failure& failure) {
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
    return failure;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Code::kInternal, ""};
}

void expect_unusable(const fs::path& file, const std::string& why) {
  const Failure failure = failure_of([&] { SessionStore store(file); });
  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr(file.native()));
  EXPECT_THAT(failure.what(), HasSubstr(why));
}

TEST(BrokenDatabase, RefusesAFileThatIsNoDatabase) {
  const TempFolder scratch;
  write_text(scratch.path() / "text", "this is no database, whatever its name says");
  write_text(scratch.path() / "short", "SQLite");
  fs::create_directory(scratch.path() / "folder");
  ASSERT_EQ(mkfifo((scratch.path() / "fifo").c_str(), 0600), 0);

  expect_unusable(scratch.path() / "text", "not an SQLite database");
  expect_unusable(scratch.path() / "short", "not an SQLite database");
  expect_unusable(scratch.path() / "folder", "Is a directory");
  expect_unusable(scratch.path() / "fifo", "not a regular file");
  expect_unusable(scratch.path() / "missing" / "podium.db", "No such file or directory");
}

TEST(BrokenDatabase, RefusesADatabaseWhosePagesAreDamaged) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  { SessionStore store(file); }
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(100);
    damage << std::string(3900, '\xff');
  }

  expect_unusable(file, "malformed");
}

TEST(BrokenDatabase, RefusesADatabaseThatWasCut) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  { SessionStore store(file); }
  fs::resize_file(file, 4096);

  const Failure failure = failure_of([&] {
    SessionStore store(file);
    store.commit(alices_session("s1"), {});
  });

  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr("malformed"));
}

TEST(BrokenDatabase, RefusesAVersionItDoesNotKnow) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  { SessionStore store(file); }
  {
    Poco::Data::Session session = open_database(file);
    session << "PRAGMA user_version = 99", Poco::Data::Keywords::now;
  }

  expect_unusable(file, "newer Podium");
}

TEST(BrokenDatabase, RefusesTheDatabaseOfAnotherProgram) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  prepare_database_file(file);
  {
    Poco::Data::Session session = open_database(file);
    session << "CREATE TABLE songs (title TEXT)", Poco::Data::Keywords::now;
  }

  expect_unusable(file, "another program");
}

TEST(BrokenDatabase, TakesAnExistingFileFromOtherAccounts) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  write_text(file, "");
  fs::permissions(file, fs::perms(0644));

  SessionStore store(file);

  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
}

TEST(BrokenDatabase, SaysThatAReadOnlyFolderCannotBeWritten) {
  const TempFolder scratch;
  SmallDisk disk(scratch.path() / "disk", "8m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  { SessionStore store(disk.path() / "podium.db"); }
  ASSERT_TRUE(disk.make_read_only());

  expect_unusable(disk.path() / "podium.db", "Read-only file system");
  expect_unusable(disk.path() / "other.db", "Read-only file system");
}

TEST(BrokenDatabase, GivesUpOnALockedDatabaseAndWorksAgainAfterwards) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  SessionStore store(file);
  store.commit(alices_session("before"), {});
  Poco::Data::Session locker = open_database(file);
  locker << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;

  const Failure failure =
      failure_of([&] { store.commit(alices_session("s1"), {file_named("f1", "s1")}); });

  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr("locked"));
  EXPECT_TRUE(store.find_session("before"));  // readers do not wait for writers
  locker << "ROLLBACK", Poco::Data::Keywords::now;
  store.commit(alices_session("s1"), {file_named("f1", "s1")});
  EXPECT_TRUE(store.find_file("f1"));
}

TEST(BrokenDatabase, SaysThatTheDiskIsFullAndWorksAgainAfterwards) {
  const TempFolder scratch;
  SmallDisk disk(scratch.path() / "disk", "2m");
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount";
  SessionStore store(disk.path() / "podium.db");
  store.commit(alices_session("before"), {file_named("f0", "before")});
  write_text(disk.path() / "filler", std::string(2 << 20, 'x'));
  std::vector<FileRecord> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(file_named("f1-" + std::to_string(i), "s1", std::string(200, 'n')));
  }

  const Failure failure = failure_of([&] { store.commit(alices_session("s1"), many); });

  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr("full"));
  EXPECT_TRUE(store.find_file("f0"));
  EXPECT_FALSE(store.find_session("s1"));
  fs::remove(disk.path() / "filler");
  store.commit(alices_session("s1"), {file_named("f1", "s1")});
  EXPECT_TRUE(store.find_file("f1"));
}

TEST(BrokenDatabase, IsTriedAgainWhenTheDaemonGoesOnWithoutIt) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  write_text(file, "this is no database, but it is long enough to be taken for one");

  SessionStore store(file, SessionStore::Broken::kRetry);

  EXPECT_THAT(store.trouble(), HasSubstr("not an SQLite database"));
  EXPECT_EQ(failure_of([&] { store.commit(alices_session("s1"), {}); }).code(), Code::kUnavailable);
  EXPECT_EQ(failure_of([&] { store.find_file("f1"); }).code(), Code::kUnavailable);
  EXPECT_EQ(failure_of([&] { store.check(); }).code(), Code::kUnavailable);
  store.commit_later(alices_session("s0"));  // is dropped, and throws nothing
  fs::remove(file);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!store.trouble().empty() && std::chrono::steady_clock::now() < deadline) {
    try {
      store.commit(alices_session("s1"), {file_named("f1", "s1")});
    } catch (const Failure&) {
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(store.find_file("f1"));
  EXPECT_EQ(store.trouble(), "");
}

TEST(BrokenDatabase, TellsItsTroubleUntilAWriteSucceeds) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  SessionStore store(file);
  EXPECT_EQ(store.trouble(), "");
  Poco::Data::Session locker = open_database(file);
  locker << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;
  failure_of([&] { store.commit(alices_session("s1"), {}); });

  EXPECT_THAT(store.trouble(), HasSubstr("locked"));
  locker << "ROLLBACK", Poco::Data::Keywords::now;
  EXPECT_NO_THROW(store.check());
  EXPECT_EQ(store.trouble(), "");
}

TEST(BrokenDatabase, AcknowledgesNothingForAFileThatHasLostItsName) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db", away = scratch.path() / "away";
  SessionStore store(file);
  store.commit(alices_session("s1"), {file_named("f1", "s1")});
  fs::rename(file, away);

  EXPECT_THAT(failure_of([&] { store.commit(alices_session("s2"), {}); }).what(),
              HasSubstr("removed"));
  write_text(file, "");
  EXPECT_THAT(failure_of([&] { store.commit(alices_session("s2"), {}); }).what(),
              HasSubstr("replaced"));
  fs::rename(away, file);
  store.commit(alices_session("s2"), {});
  EXPECT_TRUE(store.find_session("s2"));
  EXPECT_TRUE(store.find_file("f1"));
}

TEST(BrokenDatabase, KeepsItsNewTablesWhenAnOlderOneIsMigrated) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  {
    SessionStore store(file);
    store.commit(alices_session("s1"), {file_named("f1", "s1")});
  }
  {
    // As version 2 left it.
    Poco::Data::Session old = open_database(file);
    for (const char* statement : {"DROP TABLE origin", "DROP TABLE keys", "DROP TABLE usage",
                                  "DROP TABLE audit", "ALTER TABLE sessions DROP COLUMN tenant",
                                  "ALTER TABLE files DROP COLUMN tag", "PRAGMA user_version = 2"}) {
      old << statement, Poco::Data::Keywords::now;
    }
  }

  SessionStore store(file);

  EXPECT_EQ(store.find_session("s1")->tenant, "");
  EXPECT_TRUE(store.find_file("f1"));
  EXPECT_EQ(store.created(), alices_session("s1").created) << "files as old as its first principal";
}

TEST(BrokenDatabase, KnowsNoTagsOfFilesThatAreOlderThanThey) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  {
    SessionStore store(file);
    store.commit(alices_session("s1"), {file_named("f1", "s1")});
  }
  {
    // As version 3 left it.
    Poco::Data::Session old = open_database(file);
    for (const char* statement : {"ALTER TABLE files DROP COLUMN tag", "PRAGMA user_version = 3"}) {
      old << statement, Poco::Data::Keywords::now;
    }
  }

  SessionStore store(file);
  FileRecord later = file_named("f2", "s1");
  later.tag = std::string(96, '7');
  store.commit(alices_session("s1"), {later});

  EXPECT_EQ(store.find_file("f1")->tag, "");
  EXPECT_EQ(store.find_file("f1")->sha256, file_named("f1", "s1").sha256);
  EXPECT_EQ(store.find_file("f2")->tag, later.tag);
}

/// Commits "0", "1", … for ever and tells each number once it is acknowledged.
[[noreturn]] void commit_for_ever(const fs::path& file, int acknowledged, int first) {
  SessionStore store(file);
  for (int number = first;; ++number) {
    const std::string id = std::to_string(number);
    store.commit(alices_session("s" + id),
                 {file_named(id + "a", "s" + id), file_named(id + "b", "s" + id)});
    if (write(acknowledged, &number, sizeof number) != sizeof number) _exit(1);
  }
}

TEST(BrokenDatabase, KeepsEveryAcknowledgedCommitAndNoHalfOneThroughSigkill) {
  const TempFolder scratch;
  const fs::path file = scratch.path() / "podium.db";
  int last = -1;
  for (int round = 0; round < 8; ++round) {
    int ends[2], number = 0;
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) commit_for_ever(file, ends[1], last + 1);
    close(ends[1]);
    const int enough = last + 20 + round;
    while (last < enough && read(ends[0], &number, sizeof number) == sizeof number) last = number;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(ends[0], &number, sizeof number) == sizeof number) last = number;
    close(ends[0]);
    ASSERT_GE(last, enough);

    SessionStore store(file);
    for (int i = 0; i <= last; ++i) {
      ASSERT_EQ(store.files("s" + std::to_string(i)).size(), 2u) << i;
    }
    const std::string next = "s" + std::to_string(last + 1);
    const auto half = store.files(next).size();
    EXPECT_TRUE(half == 0 || half == 2) << half;
    EXPECT_EQ(store.find_session(next).has_value(), half == 2);
    if (half == 2) ++last;
  }
}

}  // namespace
}  // namespace podium
