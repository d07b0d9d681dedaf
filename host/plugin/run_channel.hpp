#pragma once
#include <podium/abi.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "obs/log.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// What a plugin calls about one run, made safe against one that breaks the rules: calls are
/// serialised, output is cut at its limit, and nothing but the first completion passes. What is
/// dropped is told in the log, once a run. Any thread.
class RunChannel {
 public:
  /// `events` is not called any more after the completion or after close().
  RunChannel(std::string who, std::string run, RunEvents& events, Bytes output_limit, Log& log);
  RunChannel(const RunChannel&) = delete;
  RunChannel& operator=(const RunChannel&) = delete;

  /// For the plugin; valid as long as this object.
  const podium_run_callbacks* callbacks() const noexcept { return &callbacks_; }

  /// Whether the completion has come; on_completed may still be running.
  bool completed() const;
  /// Waits until on_completed has returned; called from within it, does not wait.
  void wait();
  /// For a run that was not started: lets nothing pass any more. False when it has completed.
  bool close();

 private:
  static void output(void* ctx, std::uint32_t stream, podium_bytes chunk) noexcept;
  static void phase(void* ctx, std::uint32_t phase) noexcept;
  static void input_room(void* ctx) noexcept;
  static void complete(void* ctx, const podium_completion* from) noexcept;

  void pass(std::uint32_t stream, std::string_view chunk);
  void end(const podium_completion* from);
  bool begin_delivery(Completion& completion);
  void end_delivery();
  void complain(const std::string& what) noexcept;

  const std::string who_;
  const std::string run_;
  RunEvents& events_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable over_;
  Bytes room_[2];
  bool cut_ = false;
  bool completed_ = false;
  bool delivered_ = false;
  std::thread::id deliverer_;
  std::atomic<bool> complained_{false};
  const podium_run_callbacks callbacks_;
};

/// Channels of runs that are over, kept for a while: a plugin that calls once more after its
/// completion must meet a closed channel and not freed memory. Any thread.
class RunQuarantine {
 public:
  void add(std::unique_ptr<RunChannel> channel) noexcept;

 private:
  std::mutex mutex_;
  std::array<std::unique_ptr<RunChannel>, 64> channels_;  // a ring
  std::size_t oldest_ = 0;
};

}  // namespace podium
