#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace podium::sandbox {

/// Keeps one kind of message from filling a log: the first goes through, then one an interval,
/// which says how many were held back. Plain data; guarded by its owner.
class LogGate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kInterval{10};

  /// What to log; nothing while it is too soon.
  std::optional<std::string> pass(std::string message, Clock::time_point now) {
    if (now < open_at_) {
      ++held_back_;
      return std::nullopt;
    }
    open_at_ = now + kInterval;
    if (held_back_ > 0) {
      message += " (and " + std::to_string(held_back_) + " more like it since the last one)";
      held_back_ = 0;
    }
    return message;
  }

 private:
  Clock::time_point open_at_{};
  std::uint64_t held_back_ = 0;
};

}  // namespace podium::sandbox
