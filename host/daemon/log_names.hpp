#pragma once
#include <string_view>

#include "obs/log.hpp"

namespace podium {

/// The config's words, already validated there.
inline LogLevel parse_log_level(std::string_view name) noexcept {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}
inline Log::Format parse_log_format(std::string_view name) noexcept {
  return name == "json" ? Log::Format::kJson : Log::Format::kText;
}

}  // namespace podium
