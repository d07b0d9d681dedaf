#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace podium {

/// Reads "250ms", "1.5s", "30s", "5m", "2h", "7d". A bare number is refused, except "0".
/// Throws Failure(kInvalidArgument) that says what was expected.
std::chrono::milliseconds parse_duration(std::string_view text);

/// Reads "10B", "64KiB", "512MiB", "2GiB", "1TiB", and the decimal "kB", "MB", "GB", "TB". A bare
/// number is refused, except "0". Throws Failure(kInvalidArgument).
std::uint64_t parse_size(std::string_view text);

/// The shortest text that parse_duration / parse_size reads back to the same value.
std::string format_duration(std::chrono::milliseconds value);
std::string format_size(std::uint64_t bytes);

}  // namespace podium
