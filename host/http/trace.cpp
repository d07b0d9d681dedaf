#include "http/trace.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace podium {
namespace {

constexpr std::size_t kTrace = 32, kSpan = 16, kLength = 2 + 1 + kTrace + 1 + kSpan + 1 + 2;

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_trace_id(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != text.npos;
}

std::string new_span() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, kSpan / 2> bytes{};
  // Never short for so few bytes; a span is no secret, and one of zeros is none.
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    bytes[0] = 1;
  std::string out;
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

int value_of(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

}  // namespace

std::string TraceContext::traceparent() const {
  return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00");
}

TraceContext continue_trace(const std::string* traceparent) {
  TraceContext out;
  if (traceparent == nullptr || traceparent->size() < kLength) return out;
  const std::string_view text = *traceparent;
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, kTrace),
                         parent = text.substr(3 + kTrace + 1, kSpan),
                         flags = text.substr(kLength - 2, 2);
  // A later version may have more behind; 00 has not, and ff is forbidden.
  const bool whole =
      version == "00" ? text.size() == kLength : text.size() == kLength || text[kLength] == '-';
  const bool dashes = text[2] == '-' && text[3 + kTrace] == '-' && text[kLength - 3] == '-';
  if (!whole || !dashes || !is_lower_hex(version) || version == "ff" || !is_trace_id(trace) ||
      !is_trace_id(parent) || !is_lower_hex(flags)) {
    return out;
  }
  out.trace_id = trace;
  out.parent_id = parent;
  out.span_id = new_span();
  out.sampled = (value_of(flags[1]) & 1) != 0;
  return out;
}

}  // namespace podium
