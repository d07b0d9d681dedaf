#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace podium::test {

/// How long this machine has kept a thread waiting that wanted to run, since construction: a thread
/// sleeps 5 ms at a time and adds up what came on top. A virtual machine that stood still, or whose
/// processors were all taken, shows here; a product that is slow by itself does not.
///
/// For bounds on time that are themselves the promise: such a bound holds on a machine that keeps
/// time, and elsewhere for `bound + stalls.lost()`.
class Stalls {
 public:
  using Clock = std::chrono::steady_clock;

  Stalls() : asleep_since_(Clock::now()), watcher_([this] { watch(); }) {}
  ~Stalls() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    ended_.notify_one();
    watcher_.join();
  }
  Stalls(const Stalls&) = delete;
  Stalls& operator=(const Stalls&) = delete;

  /// Until now, a sleep included that should have ended by now.
  Clock::duration lost() const {
    const std::lock_guard lock(mutex_);
    return lost_ + late(Clock::now());
  }

 private:
  static constexpr std::chrono::milliseconds kNap{5};

  Clock::duration late(Clock::time_point now) const {
    return std::max(Clock::duration::zero(), now - asleep_since_ - kNap);
  }
  void watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
      asleep_since_ = Clock::now();
      ended_.wait_until(lock, asleep_since_ + kNap);
      lost_ += late(Clock::now());
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  Clock::time_point asleep_since_;
  Clock::duration lost_{};
  std::thread watcher_;
};

}  // namespace podium::test
