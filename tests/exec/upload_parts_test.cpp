/// Uploads to a storage that takes content in parts, while it still arrives.

#include <gtest/gtest.h>

#include "base/sha256.hpp"
#include "exec/upload.hpp"
#include "exec/world.hpp"

namespace podium {
namespace {

using test::World;

constexpr std::size_t kPartPiece = StoredUpload::kPiece;
constexpr unsigned kPieces = 4;  ///< of a part

class UploadingInParts : public World {
 protected:
  UploadingInParts() {
    storage->parts_of = kPieces * kPartPiece;
    storage->local = false;
  }

  std::unique_ptr<Upload> started() { return service().begin_upload(generation(), "a.bin"); }
  static std::string piece(unsigned number) {
    return std::string(kPartPiece, static_cast<char>('a' + number % 26));
  }
  Task<bool> pour(Upload& upload, unsigned pieces, unsigned& written, bool to_its_end) {
    for (unsigned i = 0; i < pieces; ++i) {
      const std::string bytes = piece(i);
      co_await upload.write(bytes);
      ++written;
    }
    if (to_its_end) {
      const std::string_view last = "the end";
      co_await upload.write(last);
      co_await upload.finish();
    }
    co_return true;
  }
  Task<bool> end(Upload& upload) {
    co_await upload.finish();
    co_return true;
  }
  /// Commits it and checks that what is kept is those pieces and `last`.
  void expect_kept(std::unique_ptr<Upload> upload, unsigned pieces, const std::string& last) {
    std::string expected, session;
    for (unsigned i = 0; i < pieces; ++i) expected += piece(i);
    expected += last;
    const auto files = get(commit_one(std::move(upload), session));
    const auto file = sessions.find_file(files.at(0).id);
    EXPECT_EQ(file->size, expected.size());
    EXPECT_EQ(file->sha256, sha256_hex(expected));
    EXPECT_TRUE(test::is_tagged(*file, expected));
    EXPECT_TRUE(storage->content(file->blob) == expected);
  }
  unsigned written_ = 0;
};

TEST_F(UploadingInParts, FlowsOnWhileItArrives) {
  auto upload = started();
  get(pour(*upload, 3 * kPieces, written_, false));
  until([&] { return storage->parts == 2; });
  EXPECT_TRUE(storage->keys().empty()) << "it is not whole yet";

  get(end(*upload));

  EXPECT_EQ(storage->parts, 3u);
  EXPECT_EQ(storage->puts, 0u);
  expect_kept(std::move(upload), 3 * kPieces, "");
}

TEST_F(UploadingInParts, KeepsEveryByteOfContentThatIsMuchLongerThanItsSpool) {
  auto upload = started();

  get(pour(*upload, 10 * kPieces + 3, written_, true));

  EXPECT_EQ(storage->parts, 11u);
  EXPECT_EQ(storage->finished, 1u);
  expect_kept(std::move(upload), 10 * kPieces + 3, "the end");
  EXPECT_EQ(storage->taken_back, 0u);
}

TEST_F(UploadingInParts, PutsAsAWholeWhatIsNoLongerThanAPart) {
  auto upload = started();
  get(pour(*upload, kPieces, written_, false));

  get(end(*upload));

  EXPECT_EQ(storage->puts, 1u);
  EXPECT_EQ(storage->parts, 0u);
  expect_kept(std::move(upload), kPieces, "");
}

TEST_F(UploadingInParts, HasTheSenderWaitForASlowStorage) {
  storage->part_gate.close();
  auto upload = started();

  const auto ending = begin(pour(*upload, 100, written_, true));
  until([&] { return storage->part_gate.held() > 0; });
  settle();
  EXPECT_LE(written_, StoredUpload::kParts * kPieces + 1) << "the spool and a piece";

  storage->part_gate.open();
  until([&] { return ending->done; });
  expect_kept(std::move(upload), 100, "the end");
}

TEST_F(UploadingInParts, HoldNoThreadWhileTheyAreSlowToArrive) {
  std::vector<std::unique_ptr<Upload>> slow;
  for (unsigned i = 0; i < 4 * kThreads; ++i) {
    slow.push_back(started());
    get(pour(*slow.back(), kPieces + 1, written_, false));
  }

  const FileRecord file = upload("quick.txt", "1");

  EXPECT_EQ(get(service().find(me, file.id)).id, file.id);
  get(end(*slow.front()));

  // Nothing of them may be under way when the service ends; a part that has not begun is dropped.
  until([&] { return storage->parts == 4 * kThreads + 1; });
  slow.clear();
  until([&] { return storage->taken_back == 4 * kThreads - 1 && storage->keys().size() == 1; });
}

TEST_F(UploadingInParts, EndWhenAPartIsNotTaken) {
  storage->broken = true;
  auto upload = started();

  const auto ending = ended(pour(*upload, 100, written_, true));

  EXPECT_EQ(ending->code(), Code::kUnavailable);
  EXPECT_LT(written_, 100u) << "told before all of it has arrived";
  upload.reset();
  until([&] { return storage->taken_back == 1; });
  EXPECT_TRUE(storage->keys().empty());
}

TEST_F(UploadingInParts, TakeBackTheirPartsWhenTheClientLeaves) {
  auto upload = started();
  get(pour(*upload, 2 * kPieces + 1, written_, false));
  until([&] { return storage->parts == 2; });

  upload.reset();

  until([&] { return storage->taken_back == 1; });
  EXPECT_TRUE(storage->keys().empty());
}

TEST_F(UploadingInParts, TakeBackTheirPartsWhenTheClientLeavesDuringOne) {
  storage->part_gate.close();
  auto upload = started();
  get(pour(*upload, kPieces + 1, written_, false));
  until([&] { return storage->part_gate.held() == 1; });

  upload.reset();
  settle();
  EXPECT_EQ(storage->taken_back, 0u) << "a part is on its way";
  storage->part_gate.open();

  until([&] { return storage->taken_back == 1; });
  EXPECT_TRUE(storage->keys().empty());
}

}  // namespace
}  // namespace podium
