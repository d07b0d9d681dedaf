#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/world.hpp"
#include "session/database.hpp"

namespace podium {
namespace {

using test::World;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr EpochMs kLongAgo = 1'000'000;

class Sweeping : public World {
 protected:
  Sweeping() { database_made_at(0); }

  void database_made_at(EpochMs when) {
    auto database = open_database(dir / "podium.db");
    database << "UPDATE origin SET created = ?", Poco::Data::Keywords::use(when),
        Poco::Data::Keywords::now;
  }
  /// A file that nobody has used for years.
  FileRecord old_file() {
    FileRecord file = upload("old.txt", "1");
    SessionRecord row{new_id(), "me", "", kLongAgo, kLongAgo};
    file.id = new_id();
    file.session = row.id;
    file.blob = new_id();
    test::write_file(storage->path(file.blob), "old");
    sessions.commit(row, {file});
    return file;
  }
  bool stored(const std::string& key) const { return std::filesystem::exists(storage->path(key)); }
  std::string orphan(EpochMs modified) {
    const std::string key = new_id();
    test::write_file(storage->path(key), "x");
    storage->set_modified(key, modified);
    return key;
  }
};

TEST_F(Sweeping, RemovesExpiredSessionsWithTheirBlobs) {
  const FileRecord old = old_file(), fresh = upload("fresh.txt", "2");

  finish(service().sweep(generation(), false));

  EXPECT_FALSE(sessions.find_session(old.session));
  EXPECT_FALSE(stored(old.blob));
  EXPECT_TRUE(sessions.find_file(fresh.id));
  EXPECT_TRUE(stored(fresh.blob));
}

TEST_F(Sweeping, KeepsEverySessionWhenTheyLiveForEver) {
  config.sessions.time_to_live = milliseconds(0);
  const FileRecord old = old_file();

  finish(service().sweep(generation(), false));

  EXPECT_TRUE(sessions.find_session(old.session));
  EXPECT_TRUE(stored(old.blob));
}

TEST_F(Sweeping, KeepsSessionsThatARunIsUsing) {
  runtime->behaviour = [](test::FakeRun&) {};
  const FileRecord old = old_file();
  ExecCommand what = command();
  what.files = {reference(old)};
  const auto ending = begin(execute(what));
  until([&] { return runtime->runs.size() == 1; });
  // As if the run itself had not been noted as a use yet.
  ASSERT_EQ(sessions.find_session(old.session)->used, kLongAgo);

  finish(service().sweep(generation(), false));

  EXPECT_TRUE(sessions.find_session(old.session));
  EXPECT_TRUE(stored(old.blob));
  runtime->runs[0]->exit(0);
  until([&] { return ending->done; });
  until([&] { return sessions.find_session(old.session)->used > kLongAgo; });
}

TEST_F(Sweeping, RemovesOldBlobsThatNoRecordNames) {
  const std::string old = orphan(kLongAgo), fresh = orphan(epoch_ms_now());
  const FileRecord used = upload("a.txt", "1");
  storage->set_modified(used.blob, kLongAgo);

  finish(service().sweep(generation(), false));

  EXPECT_THAT(storage->keys(), UnorderedElementsAre(fresh, used.blob));
  EXPECT_FALSE(stored(old));
}

TEST_F(Sweeping, KeepsTheBlobOfAnUploadThatIsNotCommittedYet) {
  auto upload = service().begin_upload(generation(), "a.txt");
  finish(upload->finish());
  const std::string key = storage->keys().at(0);
  storage->set_modified(key, kLongAgo);

  finish(service().sweep(generation(), false));

  EXPECT_TRUE(stored(key));
}

TEST_F(Sweeping, KeepsBlobsThatAreOlderThanTheDatabase) {
  database_made_at(kLongAgo + 1);
  const std::string before = orphan(kLongAgo), after = orphan(kLongAgo + 2);

  finish(service().sweep(generation(), false));

  EXPECT_TRUE(stored(before));
  EXPECT_FALSE(stored(after));
}

TEST_F(Sweeping, KeepsSessionsThatADownloadIsUsing) {
  const FileRecord old = old_file();
  {
    const Download download = get(service().open(generation(), me, old.id));
    auto database = open_database(dir / "podium.db");
    database << "UPDATE sessions SET used = 1", Poco::Data::Keywords::now;

    finish(service().sweep(generation(), false));

    EXPECT_TRUE(sessions.find_file(old.id));
  }
  finish(service().sweep(generation(), false));
  EXPECT_TRUE(sessions.find_file(old.id)) << "being asked for was a use";
}

TEST_F(Sweeping, LeavesBlobsThatAreNotItsOwn) {
  test::write_file(storage->path("backup.tar"), "theirs");
  storage->set_modified("backup.tar", kLongAgo);

  finish(service().sweep(generation(), false));

  EXPECT_TRUE(stored("backup.tar"));
}

TEST_F(Sweeping, RemovesAllRunDirectoriesAtTheStart) {
  service();
  test::write_file(dir / "runs" / new_id() / "a/b.txt", "left over");
  test::write_file(dir / "runs" / (new_id() + ".out") / "c.txt", "left over");

  finish(service().sweep(generation(), true));

  EXPECT_EQ(run_directories(), 0u);
}

TEST_F(Sweeping, RemovesLeftOverRunDirectoriesButNotThoseOfRunsInProgress) {
  runtime->behaviour = [](test::FakeRun&) {};
  const FileRecord file = upload("a.txt", "1");
  ExecCommand what = command();
  what.files = {reference(file)};
  const auto ending = begin(execute(what));
  until([&] { return runtime->runs.size() == 1; });
  test::write_file(dir / "runs" / new_id() / "b.txt", "left over");

  finish(service().sweep(generation(), false));

  EXPECT_EQ(run_directories(), 1u);
  EXPECT_TRUE(std::filesystem::exists(dir / "runs" / runtime->runs[0]->request.id / "a.txt"));
}

TEST_F(Sweeping, NeverFollowsALinkOutOfARunDirectory) {
  service();
  test::write_file(dir / "outside/keep.txt", "1");
  const std::string run = new_id();
  std::filesystem::create_directories(dir / "runs" / run);
  std::filesystem::create_symlink(dir / "outside", dir / "runs" / run / "link");

  finish(service().sweep(generation(), true));

  EXPECT_TRUE(std::filesystem::exists(dir / "outside/keep.txt"));
  EXPECT_EQ(run_directories(), 0u);
}

TEST_F(Sweeping, GoesOnWhenAPartFails) {
  const FileRecord old = old_file();
  std::filesystem::remove_all(dir / "runs");
  service();
  std::filesystem::remove_all(dir / "runs");  // the listing of runs fails

  finish(service().sweep(generation(), true));

  EXPECT_FALSE(sessions.find_session(old.session));
  EXPECT_EQ(storage->sweeps, 1u);
}

}  // namespace
}  // namespace podium
