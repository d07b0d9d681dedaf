#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/run_world.hpp"

namespace podium {
namespace {

using test::FakeRun;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RunWithFiles : public test::RunWorld {};

TEST_F(RunWithFiles, CommitsNewFilesBeforeItReturns) {
  let_programs_leave_files();
  test::write_file(dir / "changes/plots/a.png", "PNG");

  const ExecResult result = get(execute(command()));

  ASSERT_THAT(names(result.files), ElementsAre("plots/a.png"));
  const auto record = sessions.find_file(result.files[0].id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->session, result.session_id);
  EXPECT_EQ(record->principal, "me");
  EXPECT_EQ(record->origin, "output");
  EXPECT_EQ(storage->content(record->blob), "PNG");
  EXPECT_EQ(result.files[0].session, result.session_id);
}

TEST_F(RunWithFiles, ListsChangedInputsWithWhatTheyWere) {
  let_programs_leave_files();
  const FileRecord changed = upload("changed.txt", "old"), same = upload("same.txt", "same");
  test::write_file(dir / "changes/changed.txt", "new");
  test::write_file(dir / "changes/same.txt", "same");
  test::write_file(dir / "merged/changed.txt", "new");
  test::write_file(dir / "merged/same.txt", "same");
  ExecCommand what = command();
  what.files = {reference(changed), reference(same)};

  const ExecResult result = get(execute(what));

  ASSERT_THAT(names(result.files), ElementsAre("changed.txt"));
  EXPECT_NE(result.files[0].id, changed.id);
  EXPECT_EQ(result.files[0].modified_from, changed.id);
  EXPECT_EQ(result.files[0].modified_from_session, changed.session);
  EXPECT_THAT(result.deleted_files, IsEmpty());
}

TEST_F(RunWithFiles, ListsUnchangedInputsOnlyForNewStyleReferences) {
  let_programs_leave_files();
  UploadForm read_only;
  read_only.read_only = true;
  const FileRecord old_style = upload("old.txt", "1"), new_style = upload("new.txt", "2"),
                   changed = upload("changed.txt", "3"), gone = upload("gone.txt", "4"),
                   skill = upload("skill.py", "5", read_only);
  for (const char* name : {"old.txt", "new.txt", "changed.txt", "skill.py"}) {
    test::write_file(dir / "merged" / name, "x");
  }
  test::write_file(dir / "changes/changed.txt", "x!");
  ExecCommand what = command();
  what.files = {reference(old_style), reference(new_style, true), reference(changed, true),
                reference(gone, true), reference(skill, true)};

  const ExecResult result = get(execute(what));

  ASSERT_THAT(names(result.files), ElementsAre("changed.txt", "new.txt"));
  EXPECT_FALSE(result.files[0].inherited);
  EXPECT_TRUE(result.files[1].inherited);
  EXPECT_EQ(result.files[1].id, new_style.id);
  EXPECT_EQ(result.files[1].session, new_style.session);
  EXPECT_THAT(result.deleted_files, ElementsAre("gone.txt"));
}

TEST_F(RunWithFiles, ListsInheritedFilesWhenNothingChanged) {
  const FileRecord file = upload("a.txt", "1");
  ExecCommand what = command();
  what.files = {reference(file, true)};

  const ExecResult result = get(execute(what));

  ASSERT_THAT(names(result.files), ElementsAre("a.txt"));
  EXPECT_TRUE(result.files[0].inherited);
}

TEST_F(RunWithFiles, PutsTheFilesOfAContinuedSessionIntoIt) {
  let_programs_leave_files();
  const FileRecord file = upload("a.txt", "1");
  test::write_file(dir / "changes/a.txt", "two");
  test::write_file(dir / "merged/a.txt", "two");
  ExecCommand what = command();
  what.session_id = file.session;

  const ExecResult result = get(execute(what));

  EXPECT_EQ(result.session_id, file.session);
  EXPECT_EQ(sessions.find_file_by_name(file.session, "a.txt")->id, result.files.at(0).id);
}

TEST_F(RunWithFiles, AnswersWithoutItsFilesWhenTheStorageIsBroken) {
  let_programs_leave_files();
  test::write_file(dir / "changes/a.txt", "1");
  storage->broken = true;

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_THAT(result.files, IsEmpty());
  EXPECT_THAT(result.left_out, ElementsAre(HasSubstr("could not be stored")));
}

TEST_F(RunWithFiles, CollectsFromAnOutputDirectoryForARuntimeWithoutAWorkspace) {
  runtime->own = false;
  runtime->behaviour = [](FakeRun& run) {
    const std::string path =
        "/proc/self/fd/" + std::to_string(run.request.output) + "/left.txt";
    std::ofstream(path) << "behind";
    run.exit(0);
  };

  const ExecResult result = get(execute(command()));

  ASSERT_THAT(names(result.files), ElementsAre("left.txt"));
  EXPECT_EQ(storage->content(sessions.find_file(result.files[0].id)->blob), "behind");
  until([&] { return run_directories() == 0; });
}

TEST_F(RunWithFiles, EndsTheLeaseOnlyAfterTheCommit) {
  let_programs_leave_files();
  test::write_file(dir / "changes/a.txt", "1");
  storage->put_gate.close();
  const auto ending = begin(execute(command()));
  until([&] { return storage->put_gate.held() == 1; });

  EXPECT_EQ(runtime->released, 0u);
  storage->put_gate.open();
  until([&] { return ending->done; });

  EXPECT_TRUE(sessions.find_file(ending->value->files.at(0).id).has_value());
  until([&] { return runtime->released == 1; });
}

TEST_F(RunWithFiles, OfManyBytesDoesNotKeepOthersWaiting) {
  let_programs_leave_files();
  test::write_file(dir / "changes/a.bin", std::string(20 << 20, 'x'));
  storage->put_gate.close();
  std::vector<std::shared_ptr<test::Ending<ExecResult>>> large;
  config.admission.runs = kThreads;
  for (unsigned i = 0; i < kThreads - 1; ++i) large.push_back(begin(execute(command())));
  // Not more of them than the lane for such has places.
  until([&] { return storage->put_gate.held() == kThreads / 4; });
  settle();
  EXPECT_EQ(storage->put_gate.held(), kThreads / 4);

  // A small one is stored beside them, as are those of the large ones that had not looked yet.
  std::filesystem::remove(dir / "changes/a.bin");
  test::write_file(dir / "changes/b.txt", "1");
  const auto small = begin(execute(command()));
  until([&] { return storage->put_gate.held() > kThreads / 4; });

  storage->put_gate.open();
  until([&] { return small->done; });
  for (const auto& each : large) until([&] { return each->done; });
  EXPECT_THAT(names(small->value->files), ElementsAre("b.txt"));
}

/// A program in a continued session, and what it sees of the files of an earlier one.
class RunInASession : public RunWithFiles {
 protected:
  void SetUp() override {
    let_programs_leave_files();
    std::filesystem::create_directories(dir / "changes");
  }
  /// The program removes what it sees under that name.
  ExecResult remove_in(const std::string& session, std::vector<FileReference> files = {}) {
    std::filesystem::remove_all(dir / "merged");
    let_programs_leave_files();
    return go_on(session, std::move(files));
  }
  ExecResult go_on(const std::string& session, std::vector<FileReference> files = {}) {
    ExecCommand what = command();
    what.session_id = session;
    what.files = std::move(files);
    return get(execute(what));
  }
  std::vector<std::string> last_inputs() {
    std::vector<std::string> all;
    for (const RunInput& input : last().request.inputs) all.push_back(input.name);
    return all;
  }
};

TEST_F(RunInASession, DoesNotFindAFileAgainThatAnEarlierOneRemoved) {
  const FileRecord file = upload("a.txt", "1");
  const ExecResult removed = remove_in(file.session);
  ASSERT_THAT(removed.deleted_files, ElementsAre("a.txt"));

  go_on(file.session);

  EXPECT_THAT(last_inputs(), IsEmpty());
  EXPECT_THAT(get(service().list(me, file.session)), IsEmpty());
}

TEST_F(RunInASession, StillFindsARemovedFileByItsId) {
  const FileRecord file = upload("a.txt", "1");
  remove_in(file.session);

  go_on(file.session, {reference(file)});

  EXPECT_THAT(last_inputs(), ElementsAre("a.txt"));
  EXPECT_EQ(get(service().find(me, file.id)).id, file.id);
}

TEST_F(RunInASession, FindsAFileThatWasMadeAnewAfterItWasRemoved) {
  const FileRecord file = upload("a.txt", "1");
  remove_in(file.session);
  test::write_file(dir / "changes/a.txt", "2");
  const ExecResult made = go_on(file.session);
  std::filesystem::remove(dir / "changes/a.txt");
  test::write_file(dir / "merged/a.txt", "2");

  go_on(file.session);

  EXPECT_THAT(last_inputs(), ElementsAre("a.txt"));
  EXPECT_EQ(sessions.find_file_by_name(file.session, "a.txt")->id, made.files.at(0).id);
}

TEST_F(RunInASession, RemovesTheFileThatAReferenceStoodInFrontOf) {
  const FileRecord own = upload("a.txt", "1"), other = upload("a.txt", "2");
  remove_in(own.session, {reference(other)});

  go_on(own.session);

  EXPECT_THAT(last_inputs(), IsEmpty());
  EXPECT_TRUE(sessions.find_file_by_name(other.session, "a.txt")) << "in its own session it stays";
}

TEST_F(RunInASession, LeavesWhatARunBesideItMadeMeanwhile) {
  const FileRecord file = upload("a.txt", "1");
  FileRecord newer = file;
  newer.id = new_id();
  const auto leave = runtime->behaviour;
  runtime->behaviour = [&](FakeRun& run) {
    sessions.commit({file.session, "me", "", 1, 1}, {newer});
    leave(run);
  };
  std::filesystem::remove_all(dir / "merged");
  std::filesystem::create_directories(dir / "merged");
  merged.reset(::open((dir / "merged").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  const ExecResult removed = go_on(file.session);

  EXPECT_THAT(removed.deleted_files, ElementsAre("a.txt"));
  EXPECT_EQ(sessions.find_file_by_name(file.session, "a.txt")->id, newer.id);
}

TEST_F(RunWithFiles, HoldsNoDescriptorsOfItsInputsWhileItsProgramRuns) {
  let_programs_run();
  const FileRecord file = upload("held.csv", "1,2,3");
  const auto held = [] {
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      count += std::filesystem::read_symlink(entry, gone).filename() == "held.csv";
    }
    return count;
  };
  unsigned at_start = 0;
  runtime->behaviour = [&](FakeRun&) { at_start = held(); };
  ExecCommand what = command();
  what.files = {reference(file)};
  const auto running = begin(execute(what));
  wait_for_start();
  settle();

  EXPECT_EQ(at_start, 1u) << "the runtime is given it";
  EXPECT_EQ(held(), 0u);
  last().exit(0);
  until([&] { return running->done; });
}

TEST_F(RunWithFiles, TakesNoMoreThanTheNewestThousandOfTheSessionThatItContinues) {
  std::vector<FileRecord> files(1002);
  const FileRecord first = upload("first.txt", "x");
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i] = first;
    files[i].id = new_id();
    files[i].name = "f" + std::to_string(i);
    files[i].created = static_cast<EpochMs>(1000 + i);
  }
  sessions.commit(*sessions.find_session(first.session), files, {});
  std::size_t inputs = 0;
  runtime->behaviour = [&](FakeRun& run) {
    inputs = run.request.inputs.size();
    for (const RunInput& input : run.request.inputs) {
      EXPECT_NE(input.name, "f0");
      EXPECT_NE(input.name, "f1");
    }
    run.exit(0);
  };
  ExecCommand what = command();
  what.session_id = first.session;

  const ExecResult result = get(execute(what));

  EXPECT_EQ(inputs, 1000u);
  EXPECT_THAT(result.err, HasSubstr("the session has 1003 files"));
}

}  // namespace
}  // namespace podium
