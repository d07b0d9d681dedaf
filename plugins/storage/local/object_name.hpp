#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace podium::local {

/// Longest key of the storage contract, in bytes.
inline constexpr std::size_t kMaxKey = 200;

/// The file name of a key: one name for each key, at most 255 bytes of printable ASCII without '/'.
///
/// 'k' and the key with each byte outside [A-Za-z0-9._-] as %XX, which people can read; where that
/// would be longer than a file name may be, 'z' and the key in base 85 (alphabet of RFC 1924, the
/// bytes taken four at a time, big end first; a last group of n bytes gives n + 1 digits), so that
/// 200 bytes become 251. Throws Error(PODIUM_INVALID_ARGUMENT) unless the key has 1 to 200 bytes.
std::string object_name(std::string_view key);

/// The key of a file name; nothing when object_name makes no such name.
std::optional<std::string> key_of(std::string_view name);

}  // namespace podium::local
