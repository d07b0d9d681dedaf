#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

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
  TraceContext trace;  ///< of a client that traces
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

/// Writes the lines of requests on a thread of its own, so that a reader of the log who stalls
/// stalls no request. Lines beyond `capacity` are dropped and their number is told when there is
/// room again.
class AccessLog {
 public:
  explicit AccessLog(Log& log, std::size_t capacity = 10'000);
  ~AccessLog() { close(); }

  /// Any thread. After close() lines are lost.
  void write(Json::Object fields);
  /// Writes what it has been given and ends the thread.
  void close();

 private:
  void run();

  Log& log_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Json::Object> lines_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace podium
