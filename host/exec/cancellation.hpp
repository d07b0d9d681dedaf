#pragma once
#include <atomic>
#include <functional>
#include <utility>

namespace podium {

/// A wish to end something, that the stage in progress can hear. The flag may be read on any
/// thread; everything else belongs to the I/O thread.
class Cancellation {
 public:
  /// Idempotent; calls the listener of the stage in progress.
  void request() {
    if (requested_.exchange(true)) return;
    const auto listener = listener_;  // a copy: it may end its own stage
    if (listener) listener();
  }
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

  /// Hears of the request for as long as this lives; one stage at a time.
  class Stage {
   public:
    Stage(Cancellation* cancellation, std::function<void()> listener)
        : cancellation_(cancellation) {
      if (cancellation_) cancellation_->listener_ = std::move(listener);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
      if (cancellation_) cancellation_->listener_ = nullptr;
    }

   private:
    Cancellation* cancellation_;
  };

 private:
  std::atomic<bool> requested_{false};
  std::function<void()> listener_;
};

}  // namespace podium
