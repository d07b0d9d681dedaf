#include "object_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "error.hpp"

namespace podium::local {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kBase85 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
static_assert(kBase85.size() == 85);

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string percent_encoded(std::string_view key) {
  std::string text;
  text.reserve(key.size() * 3);
  for (const char c : key) {
    if (is_plain(c)) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += '%';
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  return text;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string key;
  key.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      key += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = kHex.find(text[i + 1]), low = kHex.find(text[i + 2]);
    if (high == kHex.npos || low == kHex.npos) return std::nullopt;
    key += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return key;
}

std::string base85_encoded(std::string_view key) {
  std::string text;
  text.reserve(key.size() / 4 * 5 + 5);
  for (std::size_t i = 0; i < key.size(); i += 4) {
    const std::size_t count = std::min<std::size_t>(4, key.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(key[i + j]) : 0u);
    }
    std::array<char, 5> digits;
    for (std::size_t j = 5; j-- > 0; group /= 85) digits[j] = kBase85[group % 85];
    text.append(digits.data(), count + 1);
  }
  return text;
}

std::optional<std::string> base85_decoded(std::string_view text) {
  std::string key;
  for (std::size_t i = 0; i < text.size(); i += 5) {
    const std::size_t count = std::min<std::size_t>(5, text.size() - i);
    if (count == 1) return std::nullopt;
    std::uint64_t group = 0;
    for (std::size_t j = 0; j < 5; ++j) {
      // A cut group is filled with the highest digit, so that rounding down gives its bytes back.
      const auto digit = j < count ? kBase85.find(text[i + j]) : 84u;
      if (digit == kBase85.npos) return std::nullopt;
      group = group * 85 + digit;
    }
    if (group > UINT32_MAX) return std::nullopt;
    for (std::size_t j = 0; j + 1 < count; ++j) {
      key += static_cast<char>(group >> (24 - 8 * j) & 0xff);
    }
  }
  return key;
}

}  // namespace

std::string object_name(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey) {
    throw Error(PODIUM_INVALID_ARGUMENT,
                "a key must have 1 to 200 bytes, this one has " + std::to_string(key.size()));
  }
  std::string name = 'k' + percent_encoded(key);
  if (name.size() > kMaxName) name = 'z' + base85_encoded(key);
  return name;
}

std::optional<std::string> key_of(std::string_view name) {
  if (name.size() < 2 || name.size() > kMaxName) return std::nullopt;
  std::optional<std::string> key;
  if (name.front() == 'k') key = percent_decoded(name.substr(1));
  if (name.front() == 'z') key = base85_decoded(name.substr(1));
  if (!key || key->empty() || key->size() > kMaxKey || object_name(*key) != name) {
    return std::nullopt;
  }
  return key;
}

}  // namespace podium::local
