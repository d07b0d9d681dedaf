#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include <podium/sdk/values.hpp>

namespace podium::sandbox {

/// One thread that waits for descriptors (epoll(7)).
///
/// Descriptors are watched under a tag chosen by the owner; a closed descriptor leaves by itself.
class EventLoop {
 public:
  /// `on_event(tag)` for each ready descriptor and `on_tick()` about once a second and at the times
  /// of wake_at, both on the loop's thread. Neither may throw.
  EventLoop(std::function<void(std::uint64_t tag)> on_event, std::function<void()> on_tick);
  ~EventLoop();  ///< calls stop()

  /// Begins to call. Once.
  void start();
  /// Returns when the thread has ended. Not from the loop's own thread.
  void stop();

  /// Any thread. False with errno.
  bool watch(int fd, std::uint64_t tag, bool for_writing = false) noexcept;
  void forget(int fd) noexcept;
  /// on_tick is called at this time too, or soon after. Any thread.
  void wake_at(std::chrono::steady_clock::time_point time) noexcept;

 private:
  void ring() noexcept;
  void run();

  std::function<void(std::uint64_t)> on_event_;
  std::function<void()> on_tick_;
  sdk::Descriptor epoll_, wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> wake_ns_{INT64_MAX};  // earliest time of wake_at
  std::thread thread_;
};

}  // namespace podium::sandbox
