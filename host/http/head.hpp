#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// The byte of two hexadecimal digits; -1 when they are not that.
int hex_byte(std::string_view digits) noexcept;

/// Whether two ASCII strings are equal but for case.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// `text` without spaces and tabs at its ends.
std::string_view trim_blanks(std::string_view text) noexcept;

struct HeaderField {
  std::string name, value;
};

/// Header fields in the order they came or will go, duplicates included.
class HeaderList {
 public:
  /// Appends a field. Throws Failure(kInternal) when the name is no token or the value holds a
  /// control character: nothing that reaches the wire can add a header of its own.
  void add(std::string name, std::string value);
  /// The value of the first field of that name, whatever its case; nullptr when there is none.
  const std::string* find(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  /// Every value of that name, in order.
  std::vector<std::string> all(std::string_view name) const;

  std::size_t size() const noexcept { return fields_.size(); }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

 private:
  std::vector<HeaderField> fields_;
};

/// The head of a request after every check of its form.
struct RequestHead {
  std::string method;
  std::string target;  ///< as sent; origin-form, or "*" for OPTIONS
  int minor_version = 1;
  HeaderList headers;

  // What the framing rules made of the headers:
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = false;  ///< the client would use the connection again

  bool has_body() const noexcept { return chunked || content_length.value_or(0) > 0; }
  std::string_view path() const noexcept;
  std::string_view query() const noexcept;  ///< without '?'
};

/// Finds the end of a head in bytes that arrive piece by piece, and refuses what no head may hold:
/// control characters, a lone CR or LF, folded lines.
class HeadScanner {
 public:
  static constexpr std::size_t kMaxHead = 16 * 1024;
  static constexpr std::size_t kMaxRequestLine = 8 * 1024;

  /// `bytes` starts with the first byte of the head and only ever grows between calls. The length
  /// of the head with its empty line, or 0 while it is incomplete. Throws Refusal 400, 414 or 431.
  std::size_t scan(std::string_view bytes);

 private:
  std::size_t position_ = 0;  // of the next byte to look at
  std::size_t line_start_ = 0;
};

/// Fills in the framing members of a head from its fields, by strict rules: exactly one Host,
/// origin-form, at most one Content-Length of digits, Transfer-Encoding exactly "chunked" and never
/// beside a length. Throws Refusal 400, 417, 431 or 501 (RFC 9112, 3.2, 6.1 and 6.3).
void apply_head_rules(RequestHead& head);

/// The value of a parameter in a query string, percent-decoded; nothing when absent. A malformed
/// escape stays as it is.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

/// "text/plain" of "Text/Plain; charset=utf-8", in lower case.
std::string media_type_essence(std::string_view content_type);

}  // namespace podium
