#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

/// Bytes [first, first + length) of a file.
struct ByteRange {
  std::uint64_t first = 0, length = 0;
};

/// What a Range header asks of a file of `size` bytes (RFC 9110, 14.2).
struct RangeAnswer {
  enum class Kind { kWhole, kPart, kUnsatisfiable } kind = Kind::kWhole;
  ByteRange range;
};

/// One range is honoured; several, other units and what cannot be read are ignored, as the RFC
/// allows: the whole file is sent.
RangeAnswer parse_range(std::string_view header, std::uint64_t size) noexcept;

/// Whether an If-None-Match (weak comparison) or If-Range (strong, one tag) names this tag.
bool matches_etag(std::string_view header, std::string_view etag) noexcept;

/// "attachment; filename="…"; filename*=UTF-8''…" for the last level of a name (RFC 6266).
std::string content_disposition(std::string_view name);

}  // namespace podium
