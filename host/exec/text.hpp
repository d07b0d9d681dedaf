#pragma once
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace podium {

/// What a program wrote to one stream, kept up to a limit. Not thread-safe.
class OutputText {
 public:
  OutputText(std::string_view stream, Bytes limit) : stream_(stream), limit_(limit) {}

  /// Keeps what fits and returns it; the rest is dropped and the text counts as cut.
  std::string_view add(std::string_view chunk);

  /// Whether the limit has been reached, so that more may have come that nobody saw.
  bool full() const noexcept { return raw_.size() >= limit_; }

  /// The text as UTF-8: ill-formed sequences become U+FFFD. When it was cut (here, or before it
  /// came here: `cut_before`, which counts only when the limit was reached), or when the
  /// replacements took it over the limit, it ends on a character boundary at the limit, followed
  /// by a marker on a line of its own. Uses the object up.
  std::string take(bool cut_before);

 private:
  std::string_view stream_;
  Bytes limit_;
  bool cut_ = false;
  std::string raw_;
};

/// `text` for a line of a message: UTF-8 without control characters, at most 120 bytes.
std::string printable(std::string_view text);

/// Adds `line` to `text` as a line of its own.
void append_line(std::string& text, std::string_view line);

}  // namespace podium
