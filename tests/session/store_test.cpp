#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "session/store_fixture.hpp"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SessionStoreTest, GivesBackEveryMemberOfASessionAndAFile) {
  FileRecord file = file_of("f1", "s1", "a b/\"ü\".csv");
  file.size = 9'000'000'000;
  file.origin = "output";
  file.kind = "agent";
  file.resource = "r1";
  file.version = "3";
  file.read_only = true;
  file.modified_from = "f0";
  file.modified_from_session = "s0";
  file.tag = std::string(96, '7');

  store().commit({"s1", "alice", "agent-1", 111, 222}, {file});
  reopen();

  const auto session = store().find_session("s1");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->id, "s1");
  EXPECT_EQ(session->principal, "alice");
  EXPECT_EQ(session->entity, "agent-1");
  EXPECT_EQ(session->created, 111);
  EXPECT_EQ(session->used, 222);
  const auto found = store().find_file("f1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "f1");
  EXPECT_EQ(found->session, "s1");
  EXPECT_EQ(found->principal, "alice");
  EXPECT_EQ(found->name, file.name);
  EXPECT_EQ(found->blob, "blob-f1");
  EXPECT_EQ(found->sha256, file.sha256);
  EXPECT_EQ(found->size, 9'000'000'000u);
  EXPECT_EQ(found->origin, "output");
  EXPECT_EQ(found->kind, "agent");
  EXPECT_EQ(found->resource, "r1");
  EXPECT_EQ(found->version, "3");
  EXPECT_TRUE(found->read_only);
  EXPECT_EQ(found->modified_from, "f0");
  EXPECT_EQ(found->modified_from_session, "s0");
  EXPECT_EQ(found->created, 1000);
  EXPECT_EQ(found->tag, file.tag);
}

TEST_F(SessionStoreTest, FindsNothingThatIsNotThere) {
  EXPECT_FALSE(store().find_session("none"));
  EXPECT_FALSE(store().find_file("none"));
  EXPECT_FALSE(store().find_file_by_name("none", "a"));
  EXPECT_THAT(store().files("none"), IsEmpty());
  EXPECT_THAT(store().current_files("none"), IsEmpty());
  EXPECT_FALSE(store().remove_file("none"));
  EXPECT_FALSE(store().blob_is_used("none"));
}

TEST_F(SessionStoreTest, KeepsCreationAndMovesUseOnlyForward) {
  store().commit({"s1", "alice", "agent", 100, 200}, {});

  store().commit({"s1", "alice", "other", 150, 300}, {});
  store().commit({"s1", "alice", "other", 150, 250}, {});

  const auto session = store().find_session("s1");
  EXPECT_EQ(session->created, 100);
  EXPECT_EQ(session->used, 300);
  EXPECT_EQ(session->entity, "agent");
}

TEST_F(SessionStoreTest, RefusesToAddToTheSessionOfAnotherPrincipal) {
  store().commit(session_of("s1"), {});

  const Failure failure = failure_of([&] {
    store().commit({"s1", "mallory", "", 1, 2}, {file_of("f1", "s1", "a")});
  });

  EXPECT_EQ(failure.code(), Code::kForbidden);
  EXPECT_FALSE(store().find_file("f1"));
  EXPECT_EQ(store().find_session("s1")->principal, "alice");
}

TEST_F(SessionStoreTest, ListsFilesOldestFirstAndInOrderOfCommitWithinAMillisecond) {
  store().commit(session_of("s1"), {file_of("late", "s1", "c", 30), file_of("early", "s1", "b", 10),
                                    file_of("twin1", "s1", "d", 20)});
  store().commit(session_of("s1"), {file_of("twin2", "s1", "a", 20)});

  EXPECT_THAT(ids(store().files("s1")), ElementsAre("early", "twin1", "twin2", "late"));
}

TEST_F(SessionStoreTest, GivesTheNewestRecordOfEachNameByName) {
  store().commit(session_of("s1"), {file_of("b1", "s1", "b", 10), file_of("a1", "s1", "a", 30),
                                    file_of("b2", "s1", "b", 20), file_of("a0", "s1", "a", 20),
                                    file_of("b3", "s1", "b", 20)});
  store().commit(session_of("s2"), {file_of("other", "s2", "b", 99)});

  EXPECT_THAT(ids(store().current_files("s1")), ElementsAre("a1", "b3"));
  EXPECT_EQ(store().find_file_by_name("s1", "b")->id, "b3");
  EXPECT_EQ(store().find_file_by_name("s1", "a")->id, "a1");
  EXPECT_FALSE(store().find_file_by_name("s1", "B"));
}

TEST_F(SessionStoreTest, KeepsNothingOfACommitThatFails) {
  store().commit(session_of("s1"), {file_of("f1", "s1", "a")});

  const Failure failure = failure_of([&] {
    store().commit(session_of("s2"), {file_of("f2", "s2", "b"), file_of("f1", "s2", "c")});
  });

  EXPECT_EQ(failure.code(), Code::kConflict);
  EXPECT_FALSE(store().find_session("s2"));
  EXPECT_FALSE(store().find_file("f2"));
  store().commit(session_of("s2"), {file_of("f2", "s2", "b")});
  EXPECT_EQ(ids(store().files("s2")), std::vector<std::string>{"f2"});
}

TEST_F(SessionStoreTest, RefusesAFileOfAnotherSessionThanTheCommitted) {
  const Failure failure =
      failure_of([&] { store().commit(session_of("s1"), {file_of("f1", "s2", "a")}); });

  EXPECT_EQ(failure.code(), Code::kInvalidArgument);
  EXPECT_FALSE(store().find_session("s1"));
}

TEST_F(SessionStoreTest, RefusesNulInEveryText) {
  const std::string nul("a\0b", 3);
  const auto with = [&](std::string FileRecord::*member) {
    FileRecord file = file_of("f1", "s1", "a");
    file.*member = nul;
    return failure_of([&] { store().commit(session_of("s1"), {file}); }).code();
  };
  for (const auto member :
       {&FileRecord::id, &FileRecord::name, &FileRecord::blob, &FileRecord::sha256,
        &FileRecord::origin, &FileRecord::kind, &FileRecord::resource, &FileRecord::version,
        &FileRecord::modified_from, &FileRecord::modified_from_session, &FileRecord::tag}) {
    EXPECT_EQ(with(member), Code::kInvalidArgument);
  }
  for (const SessionRecord& session :
       {SessionRecord{nul, "p", "e", 1, 1}, SessionRecord{"s", nul, "e", 1, 1},
        SessionRecord{"s", "p", nul, 1, 1}}) {
    EXPECT_EQ(failure_of([&] { store().commit(session, {}); }).code(), Code::kInvalidArgument);
    EXPECT_EQ(failure_of([&] { store().commit_later(session); }).code(), Code::kInvalidArgument);
  }
  EXPECT_EQ(failure_of([&] { store().find_session(nul); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(failure_of([&] { store().find_file(nul); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(failure_of([&] { store().find_file_by_name("s1", nul); }).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(failure_of([&] { store().remove_file(nul); }).code(), Code::kInvalidArgument);
}

TEST_F(SessionStoreTest, TakesTextForTextWhateverItLooksLike) {
  const std::string name = "'; DROP TABLE files; -- %s ? :1 \xf0\x9f\x98\x80\n\x1b[0m";

  store().commit(session_of("s1"), {file_of("f1", "s1", name)});

  EXPECT_EQ(store().find_file_by_name("s1", name)->id, "f1");
  EXPECT_EQ(store().files("s1").at(0).name, name);
}

TEST_F(SessionStoreTest, RemovesAFileAndTellsItsBlob) {
  store().commit(session_of("s1"), {file_of("f1", "s1", "a"), file_of("f2", "s1", "a")});

  EXPECT_EQ(store().remove_file("f1"), "blob-f1");
  EXPECT_EQ(store().remove_file("f1"), std::nullopt);

  EXPECT_EQ(ids(store().files("s1")), std::vector<std::string>{"f2"});
}

TEST_F(SessionStoreTest, ShowsAFileThatIsGoneByItsIdOnly) {
  store().commit(session_of("s1"), {file_of("f1", "s1", "a", 10), file_of("f2", "s1", "a", 20),
                                    file_of("f3", "s1", "b", 30)});

  store().commit(session_of("s1"), {}, {"f2"});
  reopen();

  EXPECT_EQ(ids(store().files("s1")), std::vector<std::string>{"f3"});
  EXPECT_EQ(ids(store().current_files("s1")), std::vector<std::string>{"f3"});
  EXPECT_FALSE(store().find_file_by_name("s1", "a"));
  EXPECT_TRUE(store().find_file("f1") && store().find_file("f2"));
  EXPECT_TRUE(store().blob_is_used("blob-f1"));
}

TEST_F(SessionStoreTest, KeepsWhatIsNewerThanTheFileThatIsGone) {
  store().commit(session_of("s1"), {file_of("f1", "s1", "a", 10)});
  store().commit(session_of("s1"), {file_of("f2", "s1", "a", 20)});

  store().commit(session_of("s1"), {file_of("f3", "s1", "c", 30)}, {"f1"});

  EXPECT_EQ(ids(store().current_files("s1")), (std::vector<std::string>{"f2", "f3"}));
}

TEST_F(SessionStoreTest, TellsWhetherABlobIsUsed) {
  FileRecord twin = file_of("f2", "s1", "b");
  twin.blob = "blob-f1";
  store().commit(session_of("s1"), {file_of("f1", "s1", "a"), twin});

  store().remove_file("f1");
  EXPECT_TRUE(store().blob_is_used("blob-f1"));
  store().remove_file("f2");
  EXPECT_FALSE(store().blob_is_used("blob-f1"));
}

TEST_F(SessionStoreTest, FindsASessionCommittedLaterAtOnceAndKeepsIt) {
  store().commit_later({"s1", "alice", "agent", 100, 200});
  EXPECT_EQ(store().find_session("s1")->used, 200);
  store().commit_later({"s1", "alice", "agent", 100, 300});
  EXPECT_EQ(store().find_session("s1")->used, 300);

  reopen();

  EXPECT_EQ(store().find_session("s1")->used, 300);
  EXPECT_EQ(store().find_session("s1")->principal, "alice");
}

TEST_F(SessionStoreTest, FindsANotedSessionAtOnceAndKeepsItThoughNobodyAsksForItToBeWritten) {
  store().note({"s1", "alice", "agent", 100, 200});
  EXPECT_EQ(store().find_session("s1")->used, 200);

  reopen();

  EXPECT_EQ(store().find_session("s1")->used, 200);
}

TEST_F(SessionStoreTest, WritesASessionCommittedLaterWithoutAnotherCommit) {
  store().commit_later(session_of("s1", 100));

  // Another connection sees it only once it is written.
  SessionStore other(file());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!other.find_session("s1") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }

  EXPECT_TRUE(other.find_session("s1"));
}

TEST_F(SessionStoreTest, ListsTenThousandFilesInUnderASecond) {
  std::vector<FileRecord> files;
  for (int i = 0; i < 10'000; ++i) {
    files.push_back(file_of("f" + std::to_string(i), "s1", "n" + std::to_string(i % 5000), i));
  }
  store().commit(session_of("s1"), files);

  const auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  // The thread's own time: what others do on this machine at the same time does not count.
  const auto begin = used();
  const auto all = store().files("s1"), current = store().current_files("s1");
  const auto took = used() - begin;

  EXPECT_EQ(all.size(), 10'000u);
  EXPECT_EQ(current.size(), 5'000u);
  EXPECT_EQ(store().find_file_by_name("s1", "n7")->id, "f5007");
  EXPECT_LT(took, std::chrono::seconds(1));
  RecordProperty(
      "milliseconds",
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

TEST_F(SessionStoreTest, MakesFilesThatOnlyItsOwnerReads) {
  store().commit(session_of("s1"), {});

  for (const char* suffix : {"", "-wal"}) {
    struct stat info;
    ASSERT_EQ(stat((file().native() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(SessionStoreTest, AnswersACheck) { EXPECT_NO_THROW(store().check()); }

}  // namespace
}  // namespace podium
