#include "obs/log_text.hpp"

#include <algorithm>
#include <array>

#include "base/utf8.hpp"

namespace podium {
namespace {

/// One character at the start of well-formed text.
struct Character {
  char32_t code;
  std::size_t length;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3Fu);
  return {code, length};
}

/// Whether a terminal or a reader of lines could be misled by the character.
bool is_deceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) ||        // C0, DEL, C1
         c == 0x200E || c == 0x200F || c == 0x061C ||  // direction marks
         (c >= 0x2028 && c <= 0x202E) ||               // separators, embeddings, overrides
         (c >= 0x2066 && c <= 0x2069) ||               // isolates
         c == 0xFEFF;
}

void append_escape(std::string& out, char32_t code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u";  // none of the deceptive characters is above U+FFFF
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[code >> shift & 15u];
}

bool is_bare(std::string_view text) {
  constexpr std::string_view kSafe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:+@%,*";
  return !text.empty() && text.find_first_not_of(kSafe) == text.npos;
}

}  // namespace

void append_log_text(std::string& out, std::string_view text, std::size_t longest, bool quoted) {
  const bool cut = text.size() > longest;
  const std::string clean = to_utf8(cut ? text.substr(0, utf8_floor(text, longest)) : text);
  if (quoted) out += '"';
  for (std::string_view rest = clean; !rest.empty();) {
    const auto [code, length] = first_character(rest);
    if (is_deceptive(code)) {
      append_escape(out, code);
    } else {
      if (quoted && (code == '"' || code == '\\')) out += '\\';
      out += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  if (cut) out += "…";
  if (quoted) out += '"';
}

void append_log_value(std::string& out, const Json& value, std::size_t longest) {
  if (value.is_string()) {
    const bool bare = value.string().size() <= longest && is_bare(value.string());
    append_log_text(out, value.string(), longest, !bare);
  } else {
    append_log_text(out, json_dump(value), longest, false);
  }
}

void append_log_json(std::string& out, const Json& value, std::size_t longest) {
  if (value.is_string()) {
    append_log_text(out, value.string(), longest, true);
    return;
  }
  const std::string text = json_dump(value);
  // A cut document would be none: it becomes a string.
  if (text.size() > longest) {
    append_log_text(out, text, longest, true);
  } else {
    append_log_text(out, text, longest, false);
  }
}

}  // namespace podium
