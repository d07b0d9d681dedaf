#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// What a client says behind the run.
struct ClientMessage {
  enum class Kind { kInput, kEnd, kSignal, kCancel };
  Kind kind = Kind::kCancel;
  std::string data;  ///< of kInput
  int signal = 0;    ///< of kSignal
};

/// Reads {"type":"stdin"|"eof"|"signal"|"cancel", …}. Throws Failure that names what was wrong.
ClientMessage parse_client_message(std::string_view text);

/// The number of "INT", "SIGTERM", "KILL", …; 0 for none that may be sent.
int signal_number(std::string_view name) noexcept;

/// {"id","event","data"}.
std::string event_message(const RunEvent& event);
/// The event "error" of a run that was not begun: the object of an ordinary error answer.
std::string refusal_message(const Failure& failure, std::string_view request_id);
/// The data of the event "error" in the course of a run.
std::string error_json(const Failure& failure);

/// How many messages a second one may send, as many at once at most. Not thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Pace(unsigned rate) : rate_(rate), left_(rate) {}

  /// One more; how long to rest before the next.
  milliseconds take(Clock::time_point now);

 private:
  double rate_, left_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace podium
