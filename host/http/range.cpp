#include "http/range.hpp"

#include <algorithm>
#include <charconv>

#include "http/head.hpp"

namespace podium {
namespace {

/// A number of 1 to 18 digits and nothing else.
std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 18) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

RangeAnswer part(std::uint64_t first, std::uint64_t last) noexcept {
  return {RangeAnswer::Kind::kPart, {first, last - first + 1}};
}

bool is_attribute_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

RangeAnswer parse_range(std::string_view header, std::uint64_t size) noexcept {
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos ||
      !equal_ignoring_case(trim_blanks(header.substr(0, equals)), "bytes")) {
    return {};
  }
  const std::string_view spec = trim_blanks(header.substr(equals + 1));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return {};
  const auto first = number(spec.substr(0, dash));
  const auto last = number(spec.substr(dash + 1));
  const RangeAnswer unsatisfiable{RangeAnswer::Kind::kUnsatisfiable, {}};
  if (!first) {
    if (dash != 0 || !last) return {};
    if (*last == 0 || size == 0) return unsatisfiable;
    return part(size - std::min(*last, size), size - 1);
  }
  if (!last && dash + 1 != spec.size()) return {};
  if (last && *last < *first) return {};
  if (*first >= size) return unsatisfiable;
  return part(*first, std::min(last.value_or(size - 1), size - 1));
}

bool matches_etag(std::string_view header, std::string_view etag) noexcept {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(','), header.size());
    std::string_view tag = trim_blanks(header.substr(0, end));
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  return false;
}

std::string content_disposition(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string plain, encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe = byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\' && c != '%';
    // One '_' for a character, not for each of its bytes.
    if (safe)
      plain += c;
    else if ((byte & 0xC0) != 0x80)
      plain += '_';
    if (is_attribute_character(c)) {
      encoded += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

}  // namespace podium
