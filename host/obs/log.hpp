#pragma once
#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.hpp"

namespace podium {

enum class LogLevel { kDebug = 0, kInfo, kWarning, kError };

/// One fact of a log line: a key and a value. Numbers stay numbers in JSON.
using LogField = std::pair<std::string_view, Json>;

/// The daemon's log: one line a message on stderr, as text or JSON, control characters escaped.
///
/// Passed to what needs it; any thread; a line is written with one write(2), never from under a
/// lock that a reader could hold. A disabled level costs one comparison.
class Log {
 public:
  enum class Format { kText, kJson };

  explicit Log(int fd = 2, LogLevel level = LogLevel::kInfo, Format format = Format::kText);

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
  int fd_;
  std::atomic<LogLevel> level_;
  std::atomic<Format> format_;
};

}  // namespace podium
