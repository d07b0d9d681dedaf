#include "exec/text.hpp"

#include <algorithm>

#include "base/units.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

/// The size of `text` without a character at its end that is not complete.
std::size_t whole_characters(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

std::string_view OutputText::add(std::string_view chunk) {
  const std::size_t room = limit_ - std::min<Bytes>(limit_, raw_.size());
  if (chunk.size() > room) {
    chunk = chunk.substr(0, room);
    cut_ = true;
  }
  raw_.append(chunk);
  return chunk;
}

std::string OutputText::take(bool cut_before) {
  bool cut = cut_ || (cut_before && full());
  if (cut) raw_.resize(whole_characters(raw_));
  std::string text = is_utf8(raw_) ? std::move(raw_) : to_utf8(raw_);
  raw_.clear();
  if (text.size() > limit_) {
    text.resize(utf8_floor(text, limit_));
    cut = true;
  }
  if (cut) {
    append_line(text, "[" + std::string(stream_) +
                          " was cut here: it is longer than its limit of " + format_size(limit_) +
                          "]");
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string shown = to_utf8(text.substr(0, 400));
  shown.resize(utf8_floor(shown, 120));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return shown;
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  text.append(line);
  text += '\n';
}

}  // namespace podium
