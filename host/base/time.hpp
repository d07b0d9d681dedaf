#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace podium {

/// Milliseconds since the epoch, as the database keeps times.
using EpochMs = std::int64_t;

EpochMs epoch_ms_now() noexcept;

/// "2026-01-31T12:00:00.123Z".
std::string iso8601(EpochMs time);

/// "Sat, 31 Jan 2026 12:00:00 GMT" (RFC 9110, 5.6.7).
std::string http_date(EpochMs time);

}  // namespace podium
