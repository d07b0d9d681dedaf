#pragma once
#include <memory>
#include <utility>

#include "config/config.hpp"

namespace podium {

/// Memory that many requests share, counted in bytes. I/O thread; owned by a shared_ptr.
///
/// It knows no bound of its own: whoever grows a share says the one of his configuration, so that
/// a reload needs to tell nobody.
class ByteBudget {
 public:
  Bytes used() const noexcept { return used_; }

 private:
  friend class ByteShare;
  Bytes used_ = 0;
};

/// What one request has of a budget; gives it back at its end.
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
    if (budget_) budget_->used_ -= bytes_;
  }

  /// Makes it `bytes` large; false, and nothing changes, when the whole budget would then be over
  /// `most`. Becoming smaller always succeeds.
  [[nodiscard]] bool resize(Bytes bytes, Bytes most) noexcept {
    if (bytes > bytes_) {
      const Bytes more = bytes - bytes_;
      if (!budget_ || more > most || budget_->used_ > most - more) return false;
      budget_->used_ += more;
    } else if (budget_) {
      budget_->used_ -= bytes_ - bytes;
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
