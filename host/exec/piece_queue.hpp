#pragma once
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "exec/async.hpp"
#include "exec/lane.hpp"
#include "exec/spool.hpp"

namespace podium {

/// Pieces of one upload on their way into its spool: the I/O thread pushes, the pool writes them in
/// order and hashes them in order. Both go on by themselves, on one thread while little is there,
/// on two when more comes in than one gets done; no thread is held when all is done, and one that
/// others of the lane wait for is given up after the piece.
///
/// I/O thread; owned by a shared_ptr, which what it has begun shares.
class PieceQueue : public std::enable_shared_from_this<PieceQueue> {
 public:
  /// Memory for some bytes.
  struct Piece {
    std::unique_ptr<char[]> bytes;  ///< none: there is no piece
    std::size_t capacity = 0, size = 0;
    ByteShare share;  ///< of the memory of all transfers; empty for a small one
  };

  /// The rest is said of Spool.
  PieceQueue(const std::shared_ptr<Lane>& lane, std::filesystem::path folder, Bytes ring,
             std::shared_ptr<ByteBudget> memory, Bytes most, bool tagged)
      : io_(lane->io()),
        lane_(lane),
        spool_(std::move(folder), ring, std::move(memory), most, tagged) {}

  /// A piece with a share that is done, to be filled again, when there is one.
  Piece take_done();
  /// It comes to nothing when one before was refused.
  void push(Piece piece);
  /// Returns when no more than `most` bytes are on their way. Throws what a piece was refused with:
  /// then, and from then on.
  Task<> until(Bytes most);
  /// Has no more than `most` bytes on their way. Throws as `until`.
  bool has_at_most(Bytes most) const;
  /// Calls `then` on the I/O thread once so much of all that was pushed is written. False when it
  /// does already: then it is not called. One at a time: another takes its place.
  bool when_written(Bytes bytes, std::function<void()> then);

  /// What is on its way comes to nothing.
  void abandon();

  /// To be used by one who knows that nothing is on its way.
  Spool& spool() noexcept { return spool_; }

 private:
  /// What is done with a piece.
  enum class Step { kNone, kWrite, kHash };

  void start_worker();
  void work();
  Step next_step() noexcept;
  std::exception_ptr do_step(Step step, const Piece& piece) noexcept;
  void finish_step(Step step, std::exception_ptr error);
  void retire();
  void wake_if_due();

  asio::io_context& io_;
  const std::weak_ptr<Lane> lane_;  // which may hold what waits for it, and that this
  Spool spool_;                     // of who writes and who hashes, one of each

  mutable std::mutex mutex_;
  std::deque<Piece> pieces_;                  // pushed, and not yet written and hashed
  std::vector<Piece> free_;                   // done, their memory kept while others come
  Bytes on_way_ = 0, written_ = 0;            // bytes
  std::uint64_t first_ = 0;                   // number of the first of pieces_
  std::uint64_t to_write_ = 0, to_hash_ = 0;  // numbers of the next
  bool writing_ = false, hashing_ = false;
  unsigned workers_ = 0;  // on the pool, or on their way to it
  std::exception_ptr error_;
  std::shared_ptr<Event> waiter_;  // set when no more than wake_at_ is on its way
  Bytes wake_at_ = 0;
  std::function<void()> then_;  // when so much is written
  Bytes then_at_ = 0;
};

}  // namespace podium
