#include "object_name.hpp"

namespace podium::s3 {

namespace {

constexpr std::size_t kGroup = 64;
constexpr std::string_view kDigits = "0123456789ABCDEF";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// The byte that "!XX" at the beginning of `text` stands for.
std::optional<char> escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '!') return std::nullopt;
  const auto high = kDigits.find(text[1]), low = kDigits.find(text[2]);
  if (high == kDigits.npos || low == kDigits.npos) return std::nullopt;
  const char byte = static_cast<char>(high * 16 + low);
  if (is_plain(byte)) return std::nullopt;  // has a name without "!" already
  return byte;
}

}  // namespace

std::string object_name(std::string_view key) {
  std::string name;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i > 0 && i % kGroup == 0) name += "~/";
    const auto byte = static_cast<unsigned char>(key[i]);
    if (is_plain(key[i])) {
      name += key[i];
    } else {
      name += '!';
      name += kDigits[byte >> 4];
      name += kDigits[byte & 15];
    }
  }
  return name;
}

std::optional<std::string> key_of(std::string_view name) {
  std::string key;
  while (!name.empty()) {
    if (!key.empty() && key.size() % kGroup == 0) {
      if (!name.starts_with("~/")) return std::nullopt;
      name.remove_prefix(2);
      if (name.empty()) return std::nullopt;
    }
    if (is_plain(name[0])) {
      key += name[0];
      name.remove_prefix(1);
    } else if (const auto byte = escaped_byte(name)) {
      key += *byte;
      name.remove_prefix(3);
    } else {
      return std::nullopt;
    }
  }
  if (key.empty() || key.size() > 200) return std::nullopt;
  return key;
}

}  // namespace podium::s3
