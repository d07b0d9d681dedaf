/// The memory that uploads share, and those who get none of it.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/sha256.hpp"
#include "exec/piece_queue.hpp"
#include "exec/transfers.hpp"
#include "exec/upload.hpp"
#include "exec/world.hpp"

namespace podium {
namespace {

using test::World;

constexpr std::size_t kFullPiece = StoredUpload::kPiece, kSmall = Transfers::kSmallPiece;

class SharingMemory : public World {
 protected:
  std::unique_ptr<Upload> started() { return service().begin_upload(generation(), "a.bin"); }
  Task<bool> write(Upload& upload, std::size_t size) {
    const std::string bytes(size, 'x');
    co_await upload.write(bytes);
    co_return true;
  }
  Task<bool> pour(Upload& upload, std::size_t pieces) {
    const std::string bytes(kFullPiece, 'x');
    for (std::size_t i = 0; i < pieces; ++i) co_await upload.write(bytes);
    co_await upload.finish();
    co_return true;
  }
  void expect_kept(std::unique_ptr<Upload> upload, std::size_t size) {
    std::string session;
    const auto files = get(commit_one(std::move(upload), session));
    const auto file = sessions.find_file(files.at(0).id);
    EXPECT_EQ(file->size, size);
    EXPECT_EQ(file->sha256, sha256_hex(std::string(size, 'x')));
  }
  Bytes used() { return service().transfer_memory()->used(); }
  /// Writes until what it gathers is in memory of all, and nothing else of it; how many bytes.
  std::size_t hold(Upload& upload) {
    std::size_t size = 5 * kFullPiece;  // more than a spool keeps in memory
    get(write(upload, size));
    // The machine may be too busy for it to be quick.
    for (; used() != kFullPiece; settle()) {
      get(write(upload, 1000));
      size += 1000;
    }
    return size;
  }
};

TEST_F(SharingMemory, KeepsWithinItHoweverManyTheyAre) {
  config.http.transfers = 4 * kFullPiece;
  std::vector<std::unique_ptr<Upload>> slow;
  for (unsigned i = 0; i < 50; ++i) {
    slow.push_back(started());
    get(write(*slow.back(), 3 * kFullPiece + 1000));
    EXPECT_LE(used(), 4 * kFullPiece);
  }

  for (auto& upload : slow) {
    get(write(*upload, 1));
    get(pour(*upload, 0));
    expect_kept(std::move(upload), 3 * kFullPiece + 1001);
    EXPECT_LE(used(), 4 * kFullPiece);
  }
  slow.clear();
  EXPECT_EQ(used(), 0u);
}

TEST_F(SharingMemory, GoOnWithoutAnyOfIt) {
  config.http.transfers = 0;
  auto large = started(), small = started();

  get(pour(*large, 40));
  get(write(*small, 5));
  get(pour(*small, 0));

  expect_kept(std::move(large), 40 * kFullPiece);
  expect_kept(std::move(small), 5);
  EXPECT_EQ(used(), 0u);
}

TEST_F(SharingMemory, HoldNoneOfItWhenTheyAreStoredOrDropped) {
  auto stored = started(), dropped = started();
  get(pour(*stored, 10));
  hold(*dropped);

  dropped.reset();

  until([&] { return used() == 0; });
  expect_kept(std::move(stored), 10 * kFullPiece);
}

TEST_F(SharingMemory, TakesNoneForTheFirstBytesOfAFile) {
  auto upload = started();

  get(write(*upload, kSmall - 1));

  EXPECT_EQ(used(), 0u);
}

/// Holds memory as an upload does, without one.
class Stalled : public Transfers::Holder {
 public:
  using Holder::Holder;
  unsigned asked = 0;

 protected:
  void give_back() override {
    ++asked;
    let_go();
  }
};

TEST(Reclaiming, AsksOnlyThoseWhoHaveStalledAndEachOnce) {
  const auto transfers = std::make_shared<Transfers>();
  Stalled first(transfers), second(transfers), done(transfers);
  for (Stalled* holder : {&first, &second, &done}) holder->touch();
  const auto now = Transfers::Clock::now();
  done.let_go();

  transfers->reclaim(now);
  EXPECT_EQ(first.asked + second.asked, 0u) << "their bytes have just come";

  transfers->reclaim(now + 2 * Transfers::kStalled);
  transfers->reclaim(now + 3 * Transfers::kStalled);
  EXPECT_EQ(first.asked, 1u);
  EXPECT_EQ(second.asked, 1u);
  EXPECT_EQ(done.asked, 0u);
}

TEST_F(SharingMemory, GivesBackWhatAStalledClientHasGatheredAndLosesNoneOfIt) {
  config.http.transfers = 2 * kFullPiece;
  auto stalled = started(), next = started();
  const std::size_t held = hold(*stalled);

  service().reclaim_transfer_memory(Transfers::Clock::now() + 2 * Transfers::kStalled);

  until([&] { return used() == 0; });
  get(pour(*next, 20));
  get(write(*stalled, 1000));
  get(pour(*stalled, 0));
  expect_kept(std::move(stalled), held + 1000);
  expect_kept(std::move(next), 20 * kFullPiece);
}

class Pieces : public World {
 protected:
  Pieces() { std::filesystem::create_directories(dir / "runs"); }
  std::shared_ptr<asio::thread_pool> threads = std::make_shared<asio::thread_pool>(4);
  std::shared_ptr<Lane> lane = std::make_shared<Lane>(io, *threads, 2);
  std::shared_ptr<PieceQueue> queue = std::make_shared<PieceQueue>(
      lane, dir / "runs", 0, std::make_shared<ByteBudget>(), Bytes{1} << 30, true);

  static PieceQueue::Piece piece(char letter, std::size_t size = kFullPiece) {
    PieceQueue::Piece made{std::unique_ptr<char[]>(new char[size]), size, size, {}};
    std::fill_n(made.bytes.get(), size, letter);
    return made;
  }
  Task<bool> drained() {
    co_await queue->until(0);
    co_return true;
  }
};

TEST_F(Pieces, AreWrittenAndHashedInTheirOrderByHoweverManyThreads) {
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const char letter = static_cast<char>('a' + i % 26);
    expected.append(1000 + static_cast<std::size_t>(i), letter);
    queue->push(piece(letter, 1000 + static_cast<std::size_t>(i)));
  }

  get(drained());

  std::string kept(expected.size(), '\0');
  ASSERT_EQ(::pread(queue->spool().descriptor(), kept.data(), kept.size(), 0),
            static_cast<ssize_t>(kept.size()));
  EXPECT_TRUE(kept == expected);
  queue->spool().complete();
  EXPECT_EQ(queue->spool().sha256(), sha256_hex(expected));
  threads->join();
}

TEST_F(Pieces, GiveUpTheirThreadWhenOthersOfTheLaneWaitForOne) {
  // A queue that is never empty, and so would keep both places for ever.
  bool more = true;
  unsigned others = 0;
  const std::function<void()> feed = [&] {
    while (queue->has_at_most(8 * kFullPiece)) queue->push(piece('x'));
    if (more) asio::post(io, feed);
  };
  feed();
  for (int i = 0; i < 20; ++i) {
    lane->submit([&] { asio::post(io, [&] { ++others; }); });
  }

  until([&] { return others == 20; });

  more = false;
  get(drained());
  threads->join();
}

TEST_F(Pieces, ThatAreRefusedEndTheWaitForThem) {
  std::filesystem::remove_all(dir / "runs");
  for (int i = 0; i < 10; ++i) queue->push(piece('x', 3 * kFullPiece));

  const auto ending = ended(drained());

  EXPECT_EQ(ending->code(), Code::kUnavailable) << "there is no folder for its file";
  std::filesystem::create_directories(dir / "runs");
  threads->join();
}

TEST_F(Pieces, TellWhenSoMuchIsWritten) {
  bool told = false;
  EXPECT_TRUE(queue->when_written(kFullPiece + 1, [&] { told = true; }));
  queue->push(piece('x'));
  get(drained());
  settle();
  EXPECT_FALSE(told);

  queue->push(piece('y'));

  until([&] { return told; });
  EXPECT_FALSE(queue->when_written(2 * kFullPiece, [&] { told = false; }))
      << "it stands there already";
  get(drained());
  settle();
  EXPECT_TRUE(told) << "and then nobody is called";
  threads->join();
}

}  // namespace
}  // namespace podium
