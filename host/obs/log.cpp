#include "obs/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/write_whole.hpp"
#include "base/time.hpp"
#include "obs/log_text.hpp"

namespace podium {
namespace {

constexpr std::size_t kLongestMessage = 8192;  // bytes; what comes from a plugin is not bounded
constexpr std::size_t kLongestValue = 2048;

constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};

std::string_view name_of(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

/// "2026-01-31T12:00:00.123Z info  message key=value".
template <class Fields>
std::string text_line(LogLevel level, std::string_view message, const Fields& fields) {
  constexpr std::size_t kColumn = 5;  // of "debug" and "error"
  std::string line = iso8601(epoch_ms_now());
  const std::string_view name = name_of(level);
  line += ' ';
  line += name;
  line.append(1 + (kColumn > name.size() ? kColumn - name.size() : 0), ' ');
  append_log_text(line, message, kLongestMessage, false);
  for (const auto& [key, value] : fields) {
    line += ' ';
    append_log_value(line, Json(std::string_view(key)), kLongestValue);
    line += '=';
    append_log_value(line, value, kLongestValue);
  }
  return line += '\n';
}

/// {"time":…,"level":…,"message":…,"key":value}.
template <class Fields>
std::string json_line(LogLevel level, std::string_view message, const Fields& fields) {
  std::string line = "{\"time\":\"" + iso8601(epoch_ms_now()) + "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"message\":";
  append_log_text(line, message, kLongestMessage, true);
  for (const auto& [key, value] : fields) {
    const std::string_view name = key;
    const bool taken = name == "time" || name == "level" || name == "message";
    line += ',';
    append_log_text(line, (taken ? "field." : "") + std::string(name), kLongestValue, true);
    line += ':';
    append_log_json(line, value, kLongestValue);
  }
  return line += "}\n";
}

template <class Fields>
std::string line_of(Log::Format format, LogLevel level, std::string_view message,
                    const Fields& fields) {
  return format == Log::Format::kJson ? json_line(level, message, fields)
                                      : text_line(level, message, fields);
}

}  // namespace

Log::Log(int fd, LogLevel level, Format format)
    : fd_(fd), level_(level), format_(std::make_shared<std::atomic<Format>>(format)) {}

void Log::start_writer(LogRoom room) {
  auto notice = [format = format_](std::uint64_t lines) {
    const std::initializer_list<LogField> fields{{"lines", static_cast<long long>(lines)}};
    return line_of(format->load(), LogLevel::kWarning,
                   "lines were dropped, the log is not read fast enough", fields);
  };
  writer_ = std::make_unique<LogWriter>(fd_, room, std::move(notice));
}

bool Log::flush(std::chrono::milliseconds limit) const noexcept {
  return writer_ == nullptr || writer_->flush(limit);
}

std::uint64_t Log::lines_dropped() const noexcept {
  return refused_ + (writer_ ? writer_->dropped() : 0);
}

template <class Fields>
void Log::put(LogLevel level, std::string_view message, const Fields& fields) const noexcept {
  const int saved = errno;  // callers log before they look at it
  try {
    std::string line = line_of(format_->load(std::memory_order_relaxed), level, message, fields);
    if (writer_) {
      writer_->add(std::move(line), level >= LogLevel::kWarning);
    } else if (write_whole(fd_, line) != 0) {
      ++refused_;  // a log that takes nothing (closed, full) must not stop the daemon
    }
  } catch (const std::exception&) {
    ++refused_;  // out of memory: the line is lost, the daemon goes on
  }
  errno = saved;
}

bool Log::enabled(LogLevel level) const noexcept {
  return level >= level_.load(std::memory_order_relaxed);
}

void Log::write(LogLevel level, std::string_view message,
                std::initializer_list<LogField> fields) const noexcept {
  if (enabled(level)) put(level, message, fields);
}

void Log::write(LogLevel level, std::string_view message,
                const Json::Object& fields) const noexcept {
  if (enabled(level)) put(level, message, fields);
}

void Log::debug(std::string_view m, std::initializer_list<LogField> f) const noexcept {
  write(LogLevel::kDebug, m, f);
}

void Log::info(std::string_view m, std::initializer_list<LogField> f) const noexcept {
  write(LogLevel::kInfo, m, f);
}

void Log::warning(std::string_view m, std::initializer_list<LogField> f) const noexcept {
  write(LogLevel::kWarning, m, f);
}

void Log::error(std::string_view m, std::initializer_list<LogField> f) const noexcept {
  write(LogLevel::kError, m, f);
}

void Log::configure(LogLevel level, Format format) noexcept {
  level_.store(level, std::memory_order_relaxed);
  format_->store(format, std::memory_order_relaxed);
}

}  // namespace podium
