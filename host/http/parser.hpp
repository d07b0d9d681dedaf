#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace podium {

/// One request message, read by Boost.Beast's parser. Beast is included by the .cpp only.
///
/// The rules that Beast leaves to its host (pitfalls.md, section 5) are those of head.hpp.
class MessageParser {
 public:
  MessageParser();
  ~MessageParser();

  /// Reads one complete head (HeadScanner found its end) and applies the head rules. Throws
  /// Refusal: 400, 417, 431, 501, 505.
  RequestHead parse_head(std::string_view raw);

  /// Decodes body bytes from the front of `raw`, appends the content to `out` and returns how many
  /// bytes of `raw` are used up; 0 means that more must arrive first. Nothing is read past the end
  /// of the body. Throws Refusal 400 for bad chunks.
  std::size_t parse_body(std::string_view raw, std::string& out);
  /// The same for a body that is not chunked, whose content is not copied: `content` is the part of
  /// `raw` that belongs to it.
  std::size_t parse_plain_body(std::string_view raw, std::string_view& content);

  /// The message has ended: no body, or its last byte was seen.
  bool complete() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium
