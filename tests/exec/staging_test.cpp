#include "exec/staging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/world.hpp"
#include "session/database.hpp"

namespace podium {
namespace {

using test::World;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Staging : public World {
 protected:
  using Files = std::map<std::string, std::string>;

  /// What the program finds in its workspace, by name.
  Files staged(std::vector<FileReference> references, std::string session = "") {
    ExecCommand what = command();
    what.files = std::move(references);
    what.session_id = std::move(session);
    Files found;
    runtime->behaviour = [&](test::FakeRun& run) {
      for (const RunInput& input : run.request.inputs) found[input.name] = read(run, input.name);
      run.exit(0);
    };
    result = get(execute(what));
    return found;
  }
  static std::string path(const test::FakeRun& run, const std::string& name) {
    return "/proc/self/fd/" + std::to_string(run.request.workspace) + "/" + name;
  }
  static std::string read(const test::FakeRun& run, const std::string& name) {
    std::ifstream in(path(run, name), std::ios::binary);
    return in ? std::string(std::istreambuf_iterator<char>(in), {}) : "no file";
  }
  Code refusal(std::vector<FileReference> references) {
    ExecCommand what = command();
    what.files = std::move(references);
    return ended(execute(what))->code();
  }

  ExecResult result;
};

TEST_F(Staging, LinksTheBlobItselfAndLeavesItUntouched) {
  const FileRecord file = upload("data.csv", "1,2,3");
  struct stat blob {
  }, link{}, folder{};
  ASSERT_EQ(::stat(storage->path(file.blob).c_str(), &blob), 0);
  ExecCommand what = command();
  what.files = {reference(file)};
  runtime->behaviour = [&](test::FakeRun& run) {
    ::stat(path(run, "data.csv").c_str(), &link);
    ::fstat(run.request.workspace, &folder);
    char text[16] = {};
    EXPECT_EQ(::pread(run.request.inputs.at(0).descriptor, text, sizeof text, 0), 5);
    EXPECT_STREQ(text, "1,2,3");
    EXPECT_EQ(::fcntl(run.request.inputs[0].descriptor, F_GETFL) & O_ACCMODE, O_RDONLY);
    run.exit(0);
  };

  get(execute(what));

  EXPECT_EQ(link.st_ino, blob.st_ino);
  EXPECT_EQ(link.st_mode & 07777, 0666u);
  EXPECT_EQ(folder.st_mode & 07777, 0777u);
  EXPECT_EQ(storage->content(file.blob), "1,2,3");
}

TEST_F(Staging, MakesTheFoldersOfNestedNamesOpenToAll) {
  const ::mode_t before = ::umask(077);
  const FileRecord file = upload("a/b/c d.csv", "x");
  ExecCommand what = command();
  what.files = {reference(file)};
  struct stat inner {
  }, outer{};
  runtime->behaviour = [&](test::FakeRun& run) {
    EXPECT_EQ(read(run, "a/b/c d.csv"), "x");
    ::stat(path(run, "a").c_str(), &outer);
    ::stat(path(run, "a/b").c_str(), &inner);
    run.exit(0);
  };

  get(execute(what));
  ::umask(before);

  EXPECT_EQ(outer.st_mode & 07777, 0777u);
  EXPECT_EQ(inner.st_mode & 07777, 0777u);
}

TEST_F(Staging, KeepsTheRunsBelowAPrivateFolder) {
  service();
  struct stat info {};
  ASSERT_EQ(::stat((dir / "runs").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
}

TEST_F(Staging, CopiesFromAStorageWithoutFilesOfThisMachine) {
  storage->local = false;
  const FileRecord file = upload("big.bin", std::string(10'000, 'x') + "end");
  struct stat copy {};
  ExecCommand what = command();
  what.files = {reference(file)};
  runtime->behaviour = [&](test::FakeRun& run) {
    EXPECT_EQ(read(run, "big.bin"), std::string(10'000, 'x') + "end");
    ::stat(path(run, "big.bin").c_str(), &copy);
    run.exit(0);
  };

  get(execute(what));

  EXPECT_EQ(copy.st_mode & 07777, 0666u);
}

TEST_F(Staging, CopiesAcrossFileSystems) {
  struct stat here {
  }, there{};
  ASSERT_EQ(::stat("/dev/shm", &there), 0);
  ASSERT_EQ(::stat(dir.path().c_str(), &here), 0);
  ASSERT_NE(here.st_dev, there.st_dev) << "this test needs /dev/shm on a file system of its own";
  char name[] = "/dev/shm/podium-exec-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  storage = std::make_shared<test::FakeStorage>(name);
  const FileRecord file = upload("a.txt", "from afar");

  EXPECT_THAT(staged({reference(file)}), ElementsAre(Pair("a.txt", "from afar")));

  std::filesystem::remove_all(name);
}

TEST_F(Staging, FindsAFileByItsIdWhateverSessionStandsBesideIt) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_THAT(staged({{file.id, "a.txt", "AAAAAAAAAAAAAAAAAAAAA", false}}),
              ElementsAre(Pair("a.txt", "1")));
  EXPECT_THAT(staged({{file.id, "", "", false}}), ElementsAre(Pair("a.txt", "1")));
  EXPECT_EQ(result.err, "");
}

TEST_F(Staging, FindsAFileByItsNameInTheSessionWhenTheIdIsStale) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_THAT(staged({{"AAAAAAAAAAAAAAAAAAAAA", "a.txt", file.session, false}}),
              ElementsAre(Pair("a.txt", "1")));
  EXPECT_EQ(result.err, "");
}

TEST_F(Staging, MountsAFileUnderTheNameOfTheReference) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_THAT(staged({{file.id, "other/name.txt", file.session, false}}),
              ElementsAre(Pair("other/name.txt", "1")));
}

TEST_F(Staging, SkipsAnUnknownReferenceWithAWarningOnStderr) {
  const FileRecord file = upload("a.txt", "1");

  const Files found = staged({{"AAAAAAAAAAAAAAAAAAAAA", "none.txt", new_id(), false},
                              {"?\n", "", "", false},
                              reference(file)});

  EXPECT_THAT(found, ElementsAre(Pair("a.txt", "1")));
  EXPECT_THAT(result.err, HasSubstr("no file has the id \"AAAAAAAAAAAAAAAAAAAAA\" or the name "
                                    "\"none.txt\" in its session\n"));
  EXPECT_THAT(result.err, HasSubstr("id \"??\""));
  EXPECT_EQ(result.status, RunStatus::kCompleted);
}

TEST_F(Staging, RefusesAForeignFile) {
  const FileRecord file = upload("a.txt", "1", {}, {"somebody else"});

  EXPECT_EQ(refusal({reference(file)}), Code::kForbidden);
  EXPECT_EQ(refusal({{"AAAAAAAAAAAAAAAAAAAAA", "a.txt", file.session, false}}), Code::kForbidden);
  // The same for a name that is not there: nobody learns what is.
  EXPECT_EQ(refusal({{"AAAAAAAAAAAAAAAAAAAAA", "b.txt", file.session, false}}), Code::kForbidden);
  EXPECT_THAT(runtime->runs, IsEmpty());
}

TEST_F(Staging, RefusesAFileOfAnotherKindOrIdThanTheReferenceSays) {
  const FileRecord file = upload("a.txt", "1", {"", "user", "user-1", "", false});

  EXPECT_EQ(refusal({{file.id, "a.txt", file.session, true, {"user", "user-2", ""}}}),
            Code::kForbidden);
  EXPECT_THAT(staged({{file.id, "a.txt", file.session, true, {"user", "user-1", ""}}}),
              ElementsAre(Pair("a.txt", "1")));
  EXPECT_THAT(staged({{file.id, "a.txt", file.session, true, {"user", file.id, ""}}}),
              ElementsAre(Pair("a.txt", "1")));
}

TEST_F(Staging, KeepsTheSessionOfASharedFileAlive) {
  me = {"reader", "acme"};
  const FileRecord file =
      upload("a.txt", "1", {"", "skill", "skill-1", "2", false}, {"author", "acme"});
  auto database = open_database(dir / "podium.db");
  database << "UPDATE sessions SET used = 1", Poco::Data::Keywords::now;

  EXPECT_THAT(staged({{file.id, "a.txt", file.session, true, {"skill", "skill-1", ""}}}),
              ElementsAre(Pair("a.txt", "1")));

  until([&] { return sessions.find_session(file.session)->used > 1; });
  EXPECT_EQ(sessions.find_session(file.session)->principal, "author");
  ASSERT_EQ(result.files.size(), 1u);
  EXPECT_TRUE(result.files[0].inherited);
  EXPECT_EQ(result.files[0].scope.kind, "skill");
  EXPECT_EQ(result.files[0].scope.resource, "skill-1");
}

TEST_F(Staging, RefusesANameThatLeadsOut) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_EQ(refusal({{file.id, "../a.txt", file.session, false}}), Code::kInvalidArgument);
  EXPECT_EQ(refusal({{file.id, "/etc/passwd", file.session, false}}), Code::kInvalidArgument);
}

TEST_F(Staging, RefusesMoreReferencesThanAnybodyHas) {
  EXPECT_EQ(refusal(std::vector<FileReference>(1001)), Code::kInvalidArgument);
}

TEST_F(Staging, LetsTheLastReferenceOfANameWin) {
  const FileRecord first = upload("a.txt", "1"), second = upload("a.txt", "2");

  EXPECT_THAT(staged({reference(first), reference(second)}), ElementsAre(Pair("a.txt", "2")));
}

TEST_F(Staging, SkipsAFileThatWouldHaveToBeAFolder) {
  const FileRecord file = upload("a", "1"), below = upload("a/b", "2");

  EXPECT_THAT(staged({reference(file), reference(below)}), ElementsAre(Pair("a/b", "2")));
  EXPECT_THAT(result.err, HasSubstr("warning: file skipped: \"a\""));
}

TEST_F(Staging, SkipsAFileWhoseContentIsGone) {
  const FileRecord file = upload("a.txt", "1"), other = upload("b.txt", "2");
  std::filesystem::remove(storage->path(file.blob));

  EXPECT_THAT(staged({reference(file), reference(other)}), ElementsAre(Pair("b.txt", "2")));
  EXPECT_THAT(result.err, HasSubstr("warning: file skipped: the content of \"a.txt\""));
}

TEST_F(Staging, NeverShowsPartOfAFileThatIsGone) {
  storage->local = false;
  const FileRecord file = upload("a.txt", "1"), other = upload("b.txt", "2");
  std::filesystem::remove(storage->path(file.blob));
  ExecCommand what = command();
  what.files = {reference(file), reference(other)};
  bool there = true;
  runtime->behaviour = [&](test::FakeRun& run) {
    there = std::filesystem::exists(path(run, "a.txt"));
    run.exit(0);
  };

  get(execute(what));

  EXPECT_FALSE(there);
}

TEST_F(Staging, MountsAllFilesOfAContinuedSession) {
  const FileRecord file = upload("a.txt", "old"), other = upload("b.txt", "2");

  EXPECT_THAT(staged({}, file.session), ElementsAre(Pair("a.txt", "old")));
  EXPECT_EQ(result.session_id, file.session);
  EXPECT_THAT(staged({{other.id, "a.txt", other.session, false}}, file.session),
              ElementsAre(Pair("a.txt", "2")));
}

TEST_F(Staging, BeginsANewSessionInsteadOfAForeignDeadOrUnknownOne) {
  const FileRecord foreign = upload("a.txt", "1", {}, {"somebody else"});
  FileRecord dead = upload("a.txt", "1");
  SessionRecord row{new_id(), "me", "", 1000, 1000};  // last used in 1970
  dead.session = row.id;
  dead.id = new_id();
  sessions.commit(row, {dead});

  for (const std::string& session : {foreign.session, row.id, new_id(), std::string("x'; --")}) {
    EXPECT_THAT(staged({}, session), IsEmpty()) << session;
    EXPECT_NE(result.session_id, session);
    EXPECT_TRUE(is_id(result.session_id));
  }
}

TEST_F(Staging, LeavesNoRunDirectoryBehind) {
  const FileRecord file = upload("a.txt", "1");

  staged({reference(file)});

  until([&] { return runtime->released == 1 && run_directories() == 0; });
}

TEST_F(Staging, FetchesAFileOfARemoteStorageOnceForManyRunsAndLinksIt) {
  storage->local = false;
  const FileRecord file = upload("data.csv", "1,2,3");
  const unsigned before = storage->calls;

  EXPECT_THAT(staged({reference(file)}), ElementsAre(Pair("data.csv", "1,2,3")));
  EXPECT_THAT(staged({reference(file)}), ElementsAre(Pair("data.csv", "1,2,3")));

  EXPECT_EQ(storage->calls - before, 1u);
}

TEST_F(Staging, RefusesARunWhoseInputWasChangedInTheRemoteStorage) {
  storage->local = false;
  const FileRecord tagged = upload("data.csv", "1,2,3");
  FileRecord untagged = tagged;  // as an older version has written it
  untagged.id = new_id();
  untagged.tag = "";
  sessions.commit(*sessions.find_session(tagged.session), {untagged});
  for (const Bytes cache : {Bytes{1} << 20, Bytes{0}}) {
    config.input_cache.size = cache;
    generation_.reset();
    const std::size_t runs = runtime->runs.size();
    test::write_file(storage->path(tagged.blob), "1,2,4");  // of the same size

    EXPECT_EQ(refusal({reference(tagged)}), Code::kUnavailable) << cache;
    EXPECT_EQ(refusal({reference(untagged)}), Code::kUnavailable) << cache;

    EXPECT_EQ(runtime->runs.size(), runs);
    test::write_file(storage->path(tagged.blob), "1,2,3");
    EXPECT_THAT(staged({reference(tagged)}), ElementsAre(Pair("data.csv", "1,2,3")));
    EXPECT_THAT(staged({reference(untagged)}), ElementsAre(Pair("data.csv", "1,2,3")));
  }
}

TEST_F(Staging, CopiesFromARemoteStorageWhenTheCacheIsTurnedOff) {
  config.input_cache.size = 0;
  storage->local = false;
  const FileRecord file = upload("data.csv", "1,2,3");

  EXPECT_THAT(staged({reference(file)}), ElementsAre(Pair("data.csv", "1,2,3")));
  EXPECT_FALSE(std::filesystem::exists(dir / "cache"));
}

TEST(RunFiles, KnowsTheRunOfAnEntry) {
  EXPECT_EQ(RunFiles::run_of_entry("AAAAAAAAAAAAAAAAAAAAA"), "AAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(RunFiles::run_of_entry("AAAAAAAAAAAAAAAAAAAAA.out"), "AAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(RunFiles::run_of_entry("x"), "x");
}

}  // namespace
}  // namespace podium
