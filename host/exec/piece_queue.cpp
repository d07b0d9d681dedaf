#include "exec/piece_queue.hpp"

#include <algorithm>
#include <utility>

namespace podium {
namespace {

// With so many there, one thread is behind.
constexpr std::size_t kBacklog = 3;
// Memory of so many pieces is used again while there is more to do.
constexpr std::size_t kFree = 4;

}  // namespace

PieceQueue::Piece PieceQueue::take_done() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return {};
  Piece piece = std::move(free_.back());
  free_.pop_back();
  piece.size = 0;
  return piece;
}

void PieceQueue::push(Piece piece) {
  bool behind;
  {
    std::lock_guard lock(mutex_);
    if (error_) return;
    on_way_ += piece.size;
    pieces_.push_back(std::move(piece));
    // A second thread only when nobody else needs it.
    const auto lane = lane_.lock();
    behind =
        workers_ == 0 || (workers_ == 1 && pieces_.size() >= kBacklog && lane && lane->has_room());
    if (behind) ++workers_;
  }
  if (behind) start_worker();
}

void PieceQueue::start_worker() {
  // Without it the host is at its end.
  if (const auto lane = lane_.lock()) lane->submit([self = shared_from_this()] { self->work(); });
}

/// The one that lags, as long as nobody is at it. Under the lock.
PieceQueue::Step PieceQueue::next_step() noexcept {
  if (error_) return Step::kNone;
  const std::uint64_t end = first_ + pieces_.size();
  const bool can_write = !writing_ && to_write_ < end, can_hash = !hashing_ && to_hash_ < end;
  if (can_write && (!can_hash || to_write_ <= to_hash_)) {
    writing_ = true;
    return Step::kWrite;
  }
  if (!can_hash) return Step::kNone;
  hashing_ = true;
  return Step::kHash;
}

std::exception_ptr PieceQueue::do_step(Step step, const Piece& piece) noexcept {
  try {
    const std::string_view bytes(piece.bytes.get(), piece.size);
    if (step == Step::kWrite) {
      spool_.write(bytes);
    } else {
      spool_.hash(bytes);
    }
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

void PieceQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const Step step = next_step();
    if (step == Step::kNone) {
      --workers_;
      if (pieces_.empty()) free_.clear();
      return;
    }
    const std::uint64_t number = step == Step::kWrite ? to_write_ : to_hash_;
    const Piece& piece = pieces_[number - first_];  // stays where it is when others are pushed
    lock.unlock();
    std::exception_ptr error = do_step(step, piece);
    lock.lock();
    finish_step(step, std::move(error));
    const auto lane = lane_.lock();
    if (lane && lane->crowded()) {
      asio::post(io_, [self = shared_from_this()] { self->start_worker(); });
      return;
    }
  }
}

/// Under the lock.
void PieceQueue::finish_step(Step step, std::exception_ptr error) {
  if (step == Step::kWrite) {
    writing_ = false;
    written_ += pieces_[to_write_ - first_].size;
    ++to_write_;
  } else {
    hashing_ = false;
    ++to_hash_;
  }
  if (error && !error_) error_ = std::move(error);
  retire();
  wake_if_due();
}

/// Lets go of pieces that are done, and of all once one was refused. Under the lock.
void PieceQueue::retire() {
  while (!pieces_.empty() && first_ < std::min(to_write_, to_hash_)) {
    on_way_ -= pieces_.front().size;
    if (free_.size() < kFree && pieces_.front().share.bytes() > 0)
      free_.push_back(std::move(pieces_.front()));
    pieces_.pop_front();
    ++first_;
  }
  if (!error_ || writing_ || hashing_) return;
  on_way_ = 0;
  first_ = to_write_ = to_hash_ = first_ + pieces_.size();
  pieces_.clear();
}

/// Under the lock.
void PieceQueue::wake_if_due() {
  if (then_ && written_ >= then_at_) {
    asio::post(io_, std::exchange(then_, nullptr));
  }
  if (!waiter_ || (!error_ && on_way_ > wake_at_)) return;
  asio::post(io_, [waiter = std::move(waiter_)] { waiter->set(); });
  waiter_ = nullptr;
}

bool PieceQueue::has_at_most(Bytes most) const {
  std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  return on_way_ <= most;
}

Task<> PieceQueue::until(Bytes most) {
  std::shared_ptr<Event> woken;
  {
    std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    if (on_way_ <= most) co_return;
    woken = waiter_ = std::make_shared<Event>(io_);
    wake_at_ = most;
  }
  co_await woken->wait();
  static_cast<void>(has_at_most(most));
}

bool PieceQueue::when_written(Bytes bytes, std::function<void()> then) {
  std::lock_guard lock(mutex_);
  if (written_ >= bytes) return false;
  then_ = std::move(then);
  then_at_ = bytes;
  return true;
}

void PieceQueue::abandon() {
  std::lock_guard lock(mutex_);
  if (!error_) {
    error_ = std::make_exception_ptr(Failure(Code::kCancelled, "the upload was given up"));
  }
  retire();
  free_.clear();
}

}  // namespace podium
