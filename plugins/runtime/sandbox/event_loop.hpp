#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include <podium/sdk/values.hpp>

namespace podium::sandbox {

/// One thread that waits for descriptors (epoll(7)).
///
/// Descriptors are watched under a tag chosen by the owner; a closed descriptor leaves by itself.
class EventLoop {
 public:
  /// `on_event(tag)` for each ready descriptor, `on_wake()` at the times of wake_at and `on_tick()`
  /// about once a second, all on the loop's thread. None may throw.
  EventLoop(std::function<void(std::uint64_t tag)> on_event, std::function<void()> on_wake,
            std::function<void()> on_tick);
  ~EventLoop();  ///< calls stop()

  /// Begins to call. Once.
  void start();
  /// Returns when the thread has ended. Not from the loop's own thread.
  void stop();

  /// Any thread. False with errno.
  bool watch(int fd, std::uint64_t tag, bool for_writing = false) noexcept;
  void forget(int fd) noexcept;
  /// on_wake is called at this time or soon after. Any thread; wakes nobody before.
  void wake_at(std::chrono::steady_clock::time_point time) noexcept;

 private:
  void ring() noexcept;
  void run();

  std::function<void(std::uint64_t)> on_event_;
  std::function<void()> on_wake_, on_tick_;
  sdk::Descriptor epoll_, wake_, alarm_;
  std::atomic<bool> stopping_{false};
  std::mutex alarm_mutex_;
  std::chrono::steady_clock::time_point alarm_at_ = std::chrono::steady_clock::time_point::max();
  std::thread thread_;
};

}  // namespace podium::sandbox
