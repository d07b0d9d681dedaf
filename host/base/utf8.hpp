#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace podium {

/// Whether `text` is well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong).
bool is_utf8(std::string_view text) noexcept;

/// The number of bytes before the first ill-formed sequence; text.size() when there is none.
std::size_t utf8_prefix(std::string_view text) noexcept;

/// `text` with each ill-formed sequence replaced by U+FFFD, as the Unicode Standard, 3.9, advises.
std::string to_utf8(std::string_view text);

/// The largest n <= limit such that text.substr(0, n) does not cut a character. A
/// character that `text` itself ends in the middle of counts as cut, so the rest can wait for the
/// bytes that follow.
std::size_t utf8_floor(std::string_view text, std::size_t limit) noexcept;

/// Canonical composition (NFC) of well-formed UTF-8, by libutf8proc.
std::string to_nfc(std::string_view text);

}  // namespace podium
