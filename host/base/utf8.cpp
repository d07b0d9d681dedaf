#include "base/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/failure.hpp"

namespace podium {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// What stands at the start of some bytes: a character, or the longest piece that could have begun
/// one ("maximal subpart" in the Unicode Standard, 3.9).
struct Sequence {
  std::size_t length;  ///< bytes taken
  std::size_t wanted;  ///< bytes that the first byte announces; 0: no character begins with it
  bool complete() const noexcept { return wanted != 0 && length == wanted; }
};

/// Table 3-7 of the Unicode Standard: the second byte's range depends on the first one.
Sequence sequence_at(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, 1};
  if (lead < 0xC2 || lead > 0xF4) return {1, 0};
  const std::size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  std::size_t length = 1;
  while (length < wanted && length < text.size() && byte(length) >= low && byte(length) <= high) {
    ++length;
    low = 0x80;
    high = 0xBF;
  }
  return {length, wanted};
}

/// The number of bytes from the start that are all ASCII, eight at a time.
std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

}  // namespace

std::size_t utf8_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    at += ascii_prefix(text.substr(at));
    if (at == text.size()) break;
    const Sequence sequence = sequence_at(text.substr(at));
    if (!sequence.complete()) return at;
    at += sequence.length;
  }
  return at;
}

bool is_utf8(std::string_view text) noexcept { return utf8_prefix(text) == text.size(); }

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t good = utf8_prefix(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) break;
    out.append(kReplacement);
    text.remove_prefix(sequence_at(text).length);
  }
  return out;
}

std::size_t utf8_floor(std::string_view text, std::size_t limit) noexcept {
  const std::size_t end = std::min(limit, text.size());
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, end); ++back) {
    const auto byte = static_cast<unsigned char>(text[end - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const Sequence sequence = sequence_at(text.substr(end - back, back));
    return sequence.length == back && sequence.wanted > back ? end - back : end;
  }
  return end;
}

std::string to_nfc(std::string_view text) {
  if (ascii_prefix(text) == text.size()) return std::string(text);
  utf8proc_uint8_t* composed = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(composed, std::free);
  if (size < 0) {
    throw Failure(Code::kInvalidArgument,
                  std::string("composing Unicode text: ") + utf8proc_errmsg(size));
  }
  return std::string(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size));
}

}  // namespace podium
