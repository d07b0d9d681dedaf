#pragma once
#include <podium/sdk/values.hpp>

#include <chrono>
#include <mutex>
#include <string>

namespace podium::s3 {

/// Remembers that the store does not answer, so that those who come meanwhile are told so at once
/// instead of each waiting out all time-outs: one request at a time goes and looks. Any thread.
class Outage {
 public:
  using Clock = std::chrono::steady_clock;

  /// Whether this request is the one that looks, with one try; false: all is well. Throws
  /// Error(PODIUM_UNAVAILABLE) when the store is known to be down.
  bool enter(Clock::time_point now = Clock::now());
  /// A request got no answer in all its tries.
  void began(const std::string& why, Clock::time_point now = Clock::now());
  /// A request was answered.
  void ended();

 private:
  std::mutex mutex_;
  bool down_ = false;
  Clock::time_point since_, next_look_;
  std::string why_;
};

}  // namespace podium::s3
