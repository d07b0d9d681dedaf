#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.hpp"
#include "exec/world.hpp"

namespace podium {
namespace {

using test::World;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kPiece = 256 << 10;

class Uploading : public World {
 protected:
  Task<bool> write(Upload& upload, std::string piece) {
    co_await upload.write(piece);
    co_return true;
  }
  Task<bool> end(Upload& upload) {
    co_await upload.finish();
    co_return true;
  }
  /// Writes piece after piece and counts them.
  Task<bool> pour(Upload& upload, unsigned pieces, unsigned& written) {
    for (unsigned i = 0; i < pieces; ++i) {
      const std::string piece(kPiece, static_cast<char>('a' + i % 26));
      co_await upload.write(piece);
      ++written;
    }
    co_await upload.finish();
    co_return true;
  }
  Task<std::vector<UploadedFile>> commit(std::vector<std::unique_ptr<Upload>> uploads,
                                         UploadForm form, std::string& session) {
    co_return co_await service().commit_uploads(me, form, std::move(uploads), session);
  }
  std::unique_ptr<Upload> started(const std::string& name = "a.bin") {
    return service().begin_upload(generation(), name);
  }
};

TEST_F(Uploading, StoresAndRecordsAFile) {
  UploadForm form;
  form.entity_id = "agent-1";
  form.kind = "skill";
  form.resource_id = "res";
  form.version = "7";
  form.read_only = true;

  const FileRecord file = upload("dir/e\xCC\x81.csv", "1,2,3", form);

  EXPECT_EQ(file.name, "dir/\xC3\xA9.csv");
  EXPECT_EQ(file.size, 5u);
  EXPECT_EQ(file.sha256, sha256_hex("1,2,3"));
  EXPECT_EQ(file.origin, "upload");
  EXPECT_EQ(file.kind, "skill");
  EXPECT_EQ(file.resource, "res");
  EXPECT_EQ(file.version, "7");
  EXPECT_TRUE(file.read_only);
  EXPECT_EQ(file.principal, "me");
  EXPECT_EQ(storage->content(file.blob), "1,2,3");
  EXPECT_EQ(sessions.find_session(file.session)->entity, "agent-1");
}

TEST_F(Uploading, EchoesNamesAndPutsAllFilesOfAFormIntoOneSession) {
  std::vector<std::unique_ptr<Upload>> uploads;
  for (const char* name : {"e\xCC\x81.txt", "b.txt"}) {
    uploads.push_back(started(name));
    get(end(*uploads.back()));
  }
  std::string session;

  const auto files = get(commit(std::move(uploads), {}, session));

  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].name, "e\xCC\x81.txt");
  EXPECT_EQ(sessions.find_file(files[0].id)->session, session);
  EXPECT_EQ(sessions.find_file(files[1].id)->session, session);
}

TEST_F(Uploading, HashesWhatArrivesInManyPieces) {
  auto upload = started();
  unsigned written = 0;
  get(pour(*upload, 40, written));
  std::string expected;
  for (unsigned i = 0; i < 40; ++i) expected.append(kPiece, static_cast<char>('a' + i % 26));
  std::vector<std::unique_ptr<Upload>> uploads;
  uploads.push_back(std::move(upload));
  std::string session;

  const auto files = get(commit(std::move(uploads), {}, session));

  const auto file = sessions.find_file(files[0].id);
  EXPECT_EQ(file->size, expected.size());
  EXPECT_EQ(file->sha256, sha256_hex(expected));
  EXPECT_TRUE(storage->content(file->blob) == expected);
}

TEST_F(Uploading, GivesATagToWhatGoesToARemoteStorage) {
  storage->local = false;
  auto large = started();
  unsigned written = 0;
  get(pour(*large, 5, written));
  std::string expected, session;
  for (unsigned i = 0; i < 5; ++i) expected.append(kPiece, static_cast<char>('a' + i % 26));

  const auto files = get(commit_one(std::move(large), session));

  EXPECT_TRUE(test::is_tagged(*sessions.find_file(files[0].id), expected));
  const FileRecord one = upload("a", "1,2,3"), same = upload("a", "1,2,3");
  EXPECT_TRUE(test::is_tagged(one, "1,2,3"));
  EXPECT_TRUE(test::is_tagged(same, "1,2,3"));
  EXPECT_NE(one.tag, same.tag) << "a key is used for one content";
  EXPECT_TRUE(test::is_tagged(upload("empty", ""), ""));
}

TEST_F(Uploading, MakesNoTagWhereNothingIsFetched) {
  EXPECT_EQ(upload("a", "1,2,3").tag, "");
  storage->adopts = true;
  EXPECT_EQ(upload("b", std::string(kPiece, 'b')).tag, "");
}

TEST_F(Uploading, TakesAnEmptyFile) { EXPECT_EQ(upload("empty", "").size, 0u); }

TEST_F(Uploading, RefusesANameThatIsNone) {
  EXPECT_THROW(started("../x"), Failure);
  EXPECT_THROW(started(""), Failure);
}

TEST_F(Uploading, WaitsWhenThePoolIsBehind) {
  storage->put_gate.close();
  // The lane of the storage is full of puts that stall.
  std::vector<std::unique_ptr<Upload>> stalled;
  std::vector<std::shared_ptr<test::Ending<bool>>> endings;
  for (unsigned i = 0; i < kThreads / 2; ++i) {
    stalled.push_back(started());
    endings.push_back(begin(end(*stalled.back())));
  }
  until([&] { return storage->put_gate.held() == kThreads / 2; });
  auto upload = started();
  unsigned written = 0;

  const auto ending = begin(pour(*upload, 100, written));
  settle();
  EXPECT_LE(written, 2u);  // the pieces that may be in memory

  storage->put_gate.open();
  until([&] { return ending->done; });
  EXPECT_EQ(written, 100u);
  for (const auto& each : endings) until([&] { return each->done; });
}

/// Small and large ones: what has arrived of them is in memory or in a file.
TEST_F(Uploading, HoldsNoThreadForAFileThatIsSlowToArrive) {
  std::size_t kept = 0;
  for (const std::size_t size : {std::size_t{11}, kPiece, 5 * kPiece}) {
    std::vector<std::unique_ptr<Upload>> slow;
    for (unsigned i = 0; i < 4 * kThreads; ++i) {
      slow.push_back(started());
      get(write(*slow.back(), std::string(size, 'x')));
    }
    const unsigned calls = storage->calls;

    const FileRecord file = upload("quick.txt", "1");

    EXPECT_EQ(get(service().find(me, file.id)).id, file.id);
    EXPECT_EQ(storage->calls, calls + 1) << "the storage knows of none but the quick one";
    get(write(*slow.front(), "the rest"));
    get(end(*slow.front()));
    slow.clear();  // that one's content is removed in the background
    ++kept;
    until([&] { return storage->keys().size() == kept; });
  }
}

TEST_F(Uploading, GivesItsFileToAStorageThatTakesIt) {
  storage->adopts = true;
  auto large = started("large.bin");
  unsigned written = 0;
  get(pour(*large, 3, written));
  const std::string expected =
      std::string(kPiece, 'a') + std::string(kPiece, 'b') + std::string(kPiece, 'c');
  std::vector<std::unique_ptr<Upload>> uploads;
  uploads.push_back(std::move(large));
  std::string session;

  const auto files = get(commit(std::move(uploads), {}, session));

  const auto file = sessions.find_file(files[0].id);
  EXPECT_EQ(storage->adoptions, 1u);
  EXPECT_EQ(storage->puts, 0u);
  EXPECT_EQ(file->sha256, sha256_hex(expected));
  EXPECT_TRUE(storage->content(file->blob) == expected);
}

TEST_F(Uploading, LeavesNothingOnDiskWhenItsClientLeaves) {
  auto upload = started();
  get(write(*upload, std::string(5 * kPiece, 'x')));
  EXPECT_EQ(run_directories(), 0u) << "the file has no name";

  upload.reset();

  EXPECT_EQ(storage->calls, 0u);
}

TEST_F(Uploading, SaysSoWhenTheDiskTakesNoFile) {
  auto upload = started();
  std::filesystem::remove_all(dir / "runs");
  unsigned written = 0;

  const auto ending = ended(pour(*upload, 100, written));

  EXPECT_EQ(ending->code(), Code::kUnavailable);
  EXPECT_NE(ending->message().find("making a file for an upload"), std::string::npos);
  EXPECT_LT(written, 100u);
  std::filesystem::create_directories(dir / "runs");
}

TEST_F(Uploading, RefusesWhatIsLargerThanTheLimitAtTheByteThatGoesOver) {
  config.http.max_upload = 10;
  auto upload = started();
  get(write(*upload, "0123456789"));

  const auto ending = ended(write(*upload, "X"));

  EXPECT_EQ(ending->code(), Code::kTooLarge);
  EXPECT_EQ(ending->message(), "File size limit exceeded");
}

TEST_F(Uploading, LeavesNothingWhenItIsDroppedAfterItWasStored) {
  auto upload = started();
  get(end(*upload));
  EXPECT_EQ(storage->keys().size(), 1u);

  upload.reset();

  until([&] { return storage->keys().empty(); });
}

TEST_F(Uploading, LeavesNothingWhenItIsDroppedDuringAPutThatSucceeds) {
  auto upload = started();
  get(write(*upload, "small"));
  std::vector<std::unique_ptr<Upload>> abandoned;
  abandoned.push_back(std::move(upload));
  storage->put_gate.close();
  // A coroutine of the test's own, so that it can be left alone with the storage.
  asio::co_spawn(io, end(*abandoned[0]), [](std::exception_ptr, bool) {});
  until([&] { return storage->put_gate.held() == 1; });
  settle();

  abandoned.clear();
  storage->put_gate.open();
  until([&] { return storage->put_gate.held() == 0 && storage->keys().empty(); });
}

TEST_F(Uploading, TellsWhatTheStorageSaid) {
  storage->broken = true;
  auto upload = started();

  const auto ending = ended(end(*upload));

  EXPECT_EQ(ending->code(), Code::kUnavailable);
}

TEST_F(Uploading, OfManyPiecesTellsWhatTheStorageSaid) {
  storage->broken = true;
  auto upload = started();
  unsigned written = 0;

  const auto ending = ended(pour(*upload, 10, written));

  EXPECT_EQ(ending->code(), Code::kUnavailable);
}

TEST_F(Uploading, ShowsNothingBeforeTheCommit) {
  auto upload = started();
  get(end(*upload));

  const std::string key = storage->keys().at(0);

  EXPECT_FALSE(sessions.blob_is_used(key));
}

}  // namespace
}  // namespace podium
