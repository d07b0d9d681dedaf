#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace podium {

/// Calls `missed`, on a thread of its own, when it still lives after a time.
class Deadline {
 public:
  Deadline(std::chrono::milliseconds after, std::function<void()> missed)
      : thread_([this, after, missed = std::move(missed)] {
          std::unique_lock lock(mutex_);
          if (!ended_.wait_for(lock, after, [this] { return met_; })) missed();
        }) {}
  ~Deadline() {
    {
      std::lock_guard lock(mutex_);
      met_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool met_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace podium
