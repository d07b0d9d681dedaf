#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "exec/command.hpp"
#include "http/trace.hpp"
#include "obs/log.hpp"
#include "obs/metrics.hpp"

namespace podium {

/// What one request came to: the facts of its log line and of its metrics.
struct Access {
  using Clock = std::chrono::steady_clock;
  enum class Path : std::uint8_t { kNone, kFast, kStream };

  std::string request_id;
  std::unique_ptr<const TraceContext> trace;  ///< of a client that traces
  std::uint64_t connection = 0;
  std::string peer;           ///< "127.0.0.1:40312"
  std::uint32_t ordinal = 0;  ///< of the request on its connection, from 1
  std::string method;
  std::string target;          ///< path without the query, cut
  const char* route = "none";  ///< the table's pattern
  int status = 0;              ///< 0: nothing was answered
  Path path = Path::kNone;     ///< of routes that may stream
  std::uint32_t interval_ms = 0;
  std::uint32_t beats = 0;
  std::string principal;

  Clock::time_point began = Clock::now();
  std::optional<Clock::time_point> first_byte;
  std::optional<Clock::time_point> left;  ///< when the client was found to be gone
  const char* left_during = "";           ///< "head", "body", "run", "answer"
  bool ended_with_error = false;
  std::string error;  ///< for the log only
  std::uint64_t bytes_in = 0, bytes_out = 0;

  /// Of a run that ended.
  struct Run {
    std::string id, session, language;
    const char* status = "";
    bool warm = false;
    StageTimes times;
    Clock::time_point ended{};
  };
  std::unique_ptr<Run> run;  // made at the end: a request that waits is small

  void client_left(const char* during) {
    if (left) return;
    left = Clock::now();
    left_during = during;
  }
};

/// The fields of a request's log line at `now`.
Json::Object access_fields(const Access& access, Access::Clock::time_point now);

/// Counts a request in the metrics.
void count_access(Metrics& metrics, const Access& access, Access::Clock::time_point now);

}  // namespace podium
