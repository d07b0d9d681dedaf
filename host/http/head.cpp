#include "http/head.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/failure.hpp"
#include "http/status.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxFields = 100;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

/// host [":" port] in characters that RFC 3986 allows there, without user information.
bool is_host(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || (c != '\0' && std::strchr("-._~%!$&'()*+,;=:[]", c) != nullptr);
  });
}

void check_target(const RequestHead& head) {
  if (head.target == "*" && head.method == "OPTIONS") return;
  if (head.target.empty() || head.target.front() != '/') {
    throw Refusal(400, "the request target must be a path that begins with '/'");
  }
  const bool clean = std::all_of(head.target.begin(), head.target.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '#';
  });
  if (!clean) throw Refusal(400, "the request target holds a character that must be escaped");
}

void check_host(const RequestHead& head) {
  const std::size_t count = head.headers.count("Host");
  if (count > 1) throw Refusal(400, "more than one Host header");
  if (count == 0) {
    if (head.minor_version == 0) return;
    throw Refusal(400, "no Host header; HTTP/1.1 requires exactly one");
  }
  if (!is_host(*head.headers.find("Host"))) {
    throw Refusal(400, "the Host header is not a host with an optional port");
  }
}

void apply_content_length(RequestHead& head) {
  const std::size_t count = head.headers.count("Content-Length");
  if (count == 0) return;
  if (count > 1) throw Refusal(400, "more than one Content-Length header");
  const std::string& value = *head.headers.find("Content-Length");
  const bool digits =
      !value.empty() && value.size() <= 18 && std::all_of(value.begin(), value.end(), is_digit);
  if (!digits) throw Refusal(400, "Content-Length is not a number of bytes");
  std::uint64_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  head.content_length = length;
}

void apply_transfer_encoding(RequestHead& head) {
  const std::size_t count = head.headers.count("Transfer-Encoding");
  if (count == 0) return;
  if (count > 1) throw Refusal(400, "more than one Transfer-Encoding header");
  if (head.content_length) {
    throw Refusal(400, "Content-Length and Transfer-Encoding in one request");
  }
  if (head.minor_version == 0) throw Refusal(400, "Transfer-Encoding in an HTTP/1.0 request");
  if (!equal_ignoring_case(*head.headers.find("Transfer-Encoding"), "chunked")) {
    throw Refusal(501, "no transfer coding is served but exactly 'chunked'");
  }
  head.chunked = true;
}

void apply_connection(RequestHead& head) {
  head.keep_alive = head.minor_version == 1;
  for (const std::string& value : head.headers.all("Connection")) {
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim_blanks(rest.substr(0, comma)), "close")) head.keep_alive = false;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
}

void apply_expect(RequestHead& head) {
  for (const std::string& value : head.headers.all("Expect")) {
    if (!equal_ignoring_case(value, "100-continue")) {
      throw Refusal(417, "no expectation is met but 100-continue");
    }
    // RFC 9110, 10.1.1: an expectation in an HTTP/1.0 request is ignored.
    head.expects_continue = head.minor_version == 1;
  }
}

void check_coding(const RequestHead& head) {
  for (const std::string& value : head.headers.all("Content-Encoding")) {
    if (!equal_ignoring_case(value, "identity")) {
      throw Refusal(415, "request bodies are read without Content-Encoding only");
    }
  }
}

int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string decode_query(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? hex_byte(text.substr(i + 1, 2)) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

int hex_byte(std::string_view digits) noexcept {
  if (digits.size() != 2) return -1;
  const int high = hex_digit(digits[0]), low = hex_digit(digits[1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void HeaderList::add(std::string name, std::string value) {
  if (!is_token(name)) throw Failure(Code::kInternal, "header name is no token");
  if (std::any_of(value.begin(), value.end(), is_control)) {
    throw Failure(Code::kInternal, "value of header " + name + " holds a control character");
  }
  fields_.push_back({std::move(name), std::move(value)});
}

const std::string* HeaderList::find(std::string_view name) const noexcept {
  for (const HeaderField& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::size_t HeaderList::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(),
      [&](const HeaderField& field) { return equal_ignoring_case(field.name, name); }));
}

std::vector<std::string> HeaderList::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const HeaderField& field : fields_) {
    if (equal_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

std::string_view RequestHead::path() const noexcept {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const noexcept {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::size_t HeadScanner::scan(std::string_view bytes) {
  for (; position_ < bytes.size(); ++position_) {
    const char c = bytes[position_];
    if (position_ == line_start_ && line_start_ > 0 && (c == ' ' || c == '\t')) {
      throw Refusal(400, "a header line is folded");
    }
    if (c == '\n') throw Refusal(400, "a line of the head ends in LF without CR");
    if (c == '\r') {
      if (position_ + 1 == bytes.size()) break;  // its LF has not arrived yet
      if (bytes[position_ + 1] != '\n') throw Refusal(400, "the head holds a lone CR");
      const bool empty_line = position_ == line_start_;
      ++position_;
      line_start_ = position_ + 1;
      if (empty_line) return line_start_;
      continue;
    }
    if (is_control(c)) throw Refusal(400, "the head holds a control character");
    if (line_start_ == 0 && position_ >= kMaxRequestLine) {
      throw Refusal(414, "the request line is longer than 8 KiB");
    }
    if (position_ >= kMaxHead) throw Refusal(431, "the head is longer than 16 KiB");
  }
  return 0;
}

void apply_head_rules(RequestHead& head) {
  if (head.headers.size() > kMaxFields) throw Refusal(431, "more than 100 header fields");
  check_target(head);
  check_host(head);
  apply_content_length(head);
  apply_transfer_encoding(head);
  apply_connection(head);
  apply_expect(head);
  check_coding(head);
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (decode_query(pair.substr(0, equals)) == name) {
      return decode_query(pair.substr(std::min(equals + 1, pair.size())));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

std::string media_type_essence(std::string_view content_type) {
  std::string essence(trim_blanks(content_type.substr(0, content_type.find(';'))));
  std::transform(essence.begin(), essence.end(), essence.begin(), lower);
  return essence;
}

}  // namespace podium
