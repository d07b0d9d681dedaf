#pragma once
#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.hpp"
#include "obs/log_writer.hpp"

namespace podium {

enum class LogLevel { kDebug = 0, kInfo, kWarning, kError };

/// One fact of a log line: a key and a value. Numbers stay numbers in JSON.
using LogField = std::pair<std::string_view, Json>;

/// The daemon's log: one line a message on stderr, as text or JSON, control characters escaped.
///
/// Passed to what needs it; any thread. A line is written with one write(2) by who logs it, until
/// start_writer(): from then on a thread writes, nobody who logs waits, and lines are lost rather
/// than waited for, which is counted and told. A disabled level costs one comparison.
class Log {
 public:
  enum class Format { kText, kJson };

  explicit Log(int fd = 2, LogLevel level = LogLevel::kInfo, Format format = Format::kText);

  /// Makes the thread that writes; it ends with this object. Once, before other threads log, and
  /// after what changes the account or the signal mask of the process thread by thread.
  void start_writer(LogRoom room = {});
  /// Waits until what was logged so far is written, `limit` at most. Whether it is.
  bool flush(std::chrono::milliseconds limit) const noexcept;
  /// Lines that found no room, or that nobody took.
  std::uint64_t lines_dropped() const noexcept;

  bool enabled(LogLevel level) const noexcept;
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields = {}) const noexcept;
  void write(LogLevel level, std::string_view message, const Json::Object& fields) const noexcept;

  void debug(std::string_view m, std::initializer_list<LogField> f = {}) const noexcept;
  void info(std::string_view m, std::initializer_list<LogField> f = {}) const noexcept;
  void warning(std::string_view m, std::initializer_list<LogField> f = {}) const noexcept;
  void error(std::string_view m, std::initializer_list<LogField> f = {}) const noexcept;

  /// Changed at reload; any thread.
  void configure(LogLevel level, Format format) noexcept;

 private:
  template <class Fields>
  void put(LogLevel level, std::string_view message, const Fields& fields) const noexcept;

  int fd_;
  std::atomic<LogLevel> level_;
  std::shared_ptr<std::atomic<Format>> format_;  // the writer's thread has a share
  mutable std::atomic<std::uint64_t> refused_{0};
  std::unique_ptr<LogWriter> writer_;
};

}  // namespace podium
