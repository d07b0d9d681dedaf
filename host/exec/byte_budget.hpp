#pragma once
#include <atomic>
#include <memory>
#include <utility>

#include "config/config.hpp"

namespace podium {

/// Memory that many requests share, counted in bytes. Any thread; owned by a shared_ptr.
///
/// It knows no bound of its own: whoever grows a share says the one of his configuration, so that
/// a reload needs to tell nobody.
class ByteBudget {
 public:
  Bytes used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  friend class ByteShare;

  bool take(Bytes more, Bytes most) noexcept {
    Bytes used = used_.load(std::memory_order_relaxed);
    do {
      if (more > most || used > most - more) return false;
    } while (!used_.compare_exchange_weak(used, used + more, std::memory_order_relaxed));
    return true;
  }
  void give(Bytes bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::atomic<Bytes> used_{0};
};

/// What one request has of a budget; gives it back at its end. One thread at a time.
class ByteShare {
 public:
  ByteShare() = default;  ///< of no budget: it can only be empty
  explicit ByteShare(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
  ByteShare(ByteShare&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  ByteShare& operator=(ByteShare&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ByteShare() {
    if (budget_) budget_->give(bytes_);
  }

  /// Makes it `bytes` large; false, and nothing changes, when the whole budget would then be over
  /// `most`. Becoming smaller always succeeds.
  [[nodiscard]] bool resize(Bytes bytes, Bytes most) noexcept {
    if (bytes > bytes_) {
      if (!budget_ || !budget_->take(bytes - bytes_, most)) return false;
    } else if (budget_) {
      budget_->give(bytes_ - bytes);
    }
    bytes_ = bytes;
    return true;
  }

  Bytes bytes() const noexcept { return bytes_; }
  explicit operator bool() const noexcept { return budget_ != nullptr; }

 private:
  std::shared_ptr<ByteBudget> budget_;
  Bytes bytes_ = 0;
};

}  // namespace podium
