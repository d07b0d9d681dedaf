#include "http/multipart.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/failure.hpp"
#include "base/utf8.hpp"
#include "http/head.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxFieldsOfPart = 16;
constexpr std::size_t kMaxPadding = 64;
constexpr const char* kNoBoundaryLine = "no boundary line where the form should begin";

[[noreturn]] void malformed(const std::string& what) {
  throw Failure(Code::kMalformed, "malformed multipart form: " + what);
}

bool is_boundary_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != '\0' && std::strchr("'()+_,-./:=? ", c) != nullptr);
}

bool is_boundary(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), is_boundary_character);
}

/// A parameter of a header value, taken off the front of `rest`.
struct Parameter {
  std::string name, value;
};

/// Reads the inside of a quoted string. \" and \\ are escapes, other backslashes are themselves:
/// browsers escape none, older curl these two.
std::string read_quoted(std::string_view& rest) {
  std::string value;
  for (rest.remove_prefix(1); !rest.empty(); rest.remove_prefix(1)) {
    const char c = rest.front();
    if (c == '"') {
      rest.remove_prefix(1);
      return value;
    }
    if (c == '\\' && rest.size() > 1 && (rest[1] == '"' || rest[1] == '\\')) rest.remove_prefix(1);
    value += rest.front();
  }
  malformed("a quoted string does not end");
}

/// Reads `; name=value`, or nothing when `rest` is at its end.
std::optional<Parameter> next_parameter(std::string_view& rest) {
  rest = trim_blanks(rest);
  while (!rest.empty() && rest.front() == ';') rest = trim_blanks(rest.substr(1));
  if (rest.empty()) return std::nullopt;
  const std::size_t equals = rest.find_first_of("=;");
  if (equals == std::string_view::npos || rest[equals] != '=')
    malformed("a parameter has no value");
  Parameter parameter;
  parameter.name = std::string(trim_blanks(rest.substr(0, equals)));
  rest = trim_blanks(rest.substr(equals + 1));
  if (!rest.empty() && rest.front() == '"') {
    parameter.value = read_quoted(rest);
    rest = trim_blanks(rest);
    if (!rest.empty() && rest.front() != ';') malformed("bytes after a quoted string");
  } else {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    parameter.value = std::string(trim_blanks(rest.substr(0, end)));
    rest.remove_prefix(end);
  }
  return parameter;
}

/// Undoes what browsers do to names: '"', CR and LF are sent as %22, %0D, %0A and nothing else is.
std::string undo_form_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = text.substr(i, 3);
    if (escape == "%22") {
      out += '"';
      i += 2;
    } else if (escape == "%0D" || escape == "%0d") {
      out += '\r';
      i += 2;
    } else if (escape == "%0A" || escape == "%0a") {
      out += '\n';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// filename*=UTF-8''percent-encoded (RFC 8187); nothing when it is in another charset.
std::optional<std::string> decode_extended(std::string_view text) {
  const std::size_t charset = text.find('\'');
  if (charset == std::string_view::npos) return std::nullopt;
  const std::size_t language = text.find('\'', charset + 1);
  if (language == std::string_view::npos) return std::nullopt;
  if (!equal_ignoring_case(text.substr(0, charset), "UTF-8")) return std::nullopt;
  std::string out;
  for (std::size_t i = language + 1; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int byte = hex_byte(text.substr(i + 1, 2));
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

void read_disposition(std::string_view value, PartHead& head) {
  const std::size_t end = std::min(value.find(';'), value.size());
  if (!equal_ignoring_case(trim_blanks(value.substr(0, end)), "form-data")) {
    malformed("a part's Content-Disposition is not form-data");
  }
  std::string_view rest = value.substr(end);
  bool named = false;
  std::optional<std::string> extended;
  while (const std::optional<Parameter> parameter = next_parameter(rest)) {
    if (equal_ignoring_case(parameter->name, "name")) {
      head.name = undo_form_escapes(parameter->value);
      named = true;
    } else if (equal_ignoring_case(parameter->name, "filename")) {
      head.file_name = undo_form_escapes(parameter->value);
    } else if (equal_ignoring_case(parameter->name, "filename*")) {
      extended = decode_extended(parameter->value);
    }
  }
  if (!named) malformed("a part has no name");
  if (extended) head.file_name = std::move(extended);
  if (!is_utf8(head.name) || (head.file_name && !is_utf8(*head.file_name))) {
    malformed("a part's name is not UTF-8");
  }
}

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary) : MultipartParser(boundary, Rules()) {}

MultipartParser::MultipartParser(std::string_view boundary, Rules rules)
    : delimiter_("\r\n--" + std::string(boundary)), rules_(rules), held_("\r\n") {
  // The input begins with a line end, so that a delimiter at the very start is found as any other.
  if (!is_boundary(boundary)) malformed("the boundary is not 1 to 70 legal characters");
}

std::string MultipartParser::boundary_of(std::string_view content_type) {
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (!equal_ignoring_case(trim_blanks(content_type.substr(0, end)), "multipart/form-data")) {
    throw Failure(Code::kUnsupportedMedia, "Content-Type must be multipart/form-data");
  }
  std::string_view rest = content_type.substr(end);
  while (const std::optional<Parameter> parameter = next_parameter(rest)) {
    if (!equal_ignoring_case(parameter->name, "boundary")) continue;
    if (!is_boundary(parameter->value)) malformed("the boundary is not 1 to 70 legal characters");
    return parameter->value;
  }
  malformed("Content-Type names no boundary");
}

void MultipartParser::feed(std::string_view bytes, std::vector<FormEvent>& events) {
  if (complete()) return;  // the epilogue means nothing
  if (held_.empty()) {
    joined_ = std::string();
    input_ = bytes;
  } else {
    joined_ = std::exchange(held_, {});
    joined_.append(bytes);
    input_ = joined_;
  }
  start_ = 0;
  while (step(events)) {
  }
  held_ = rest();
}

/// Reads one thing; false when more bytes must come first.
bool MultipartParser::step(std::vector<FormEvent>& events) {
  switch (state_) {
    case State::kPreamble:
      return skip_preamble();
    case State::kDelimiter:
      return read_delimiter();
    case State::kHead:
      return read_head(events);
    case State::kData:
      return read_data(events);
    case State::kEpilogue:
      start_ = input_.size();
      return false;
  }
  return false;
}

bool MultipartParser::skip_preamble() {
  const std::size_t found = rest().find(delimiter_);
  if (found != std::string_view::npos) {
    if (preamble_ + found > rules_.max_preamble) malformed(kNoBoundaryLine);
    start_ += found + delimiter_.size();
    state_ = State::kDelimiter;
    return true;
  }
  const std::size_t size = rest().size();
  const std::size_t skipped = size - std::min(size, delimiter_.size() - 1);
  preamble_ += skipped;
  if (preamble_ > rules_.max_preamble) malformed(kNoBoundaryLine);
  start_ += skipped;
  return false;
}

/// After "--boundary": "--" ends the form, a line end begins a part.
bool MultipartParser::read_delimiter() {
  std::string_view text = rest();
  if (text.size() < 2) return false;
  if (text.substr(0, 2) == "--") {
    start_ += 2;
    state_ = State::kEpilogue;
    return true;
  }
  const std::size_t padding = text.find_first_not_of(" \t");
  if (std::min(padding, text.size()) > kMaxPadding) malformed("a boundary line does not end");
  if (padding == std::string_view::npos || padding + 2 > text.size()) return false;
  if (text.substr(padding, 2) != "\r\n") malformed("bytes after a boundary");
  if (++parts_ > rules_.max_parts) {
    malformed("more than " + std::to_string(rules_.max_parts) + " parts");
  }
  start_ += padding + 2;
  state_ = State::kHead;
  return true;
}

bool MultipartParser::read_head(std::vector<FormEvent>& events) {
  const std::string_view text = rest();
  if (text.substr(0, 2) == "\r\n") malformed("a part has no Content-Disposition");
  const std::size_t end = text.find("\r\n\r\n");
  // An end that has not come whole may begin in the last three bytes.
  const std::size_t length = std::min(end, text.size() - std::min<std::size_t>(text.size(), 3));
  if (length > rules_.max_head) malformed("a part's head is too long");
  if (end == std::string_view::npos) return false;
  FormEvent event{FormEvent::Kind::kPart, parse_part_head(text.substr(0, end)), {}};
  events.push_back(std::move(event));
  start_ += end + 4;
  state_ = State::kData;
  return true;
}

/// How many bytes at the end of `text` may be the beginning of a delimiter.
std::size_t MultipartParser::held_back(std::string_view text) const {
  std::size_t at = text.size() - std::min(text.size(), delimiter_.size() - 1);
  while ((at = text.find('\r', at)) != std::string_view::npos) {
    if (std::string_view(delimiter_).starts_with(text.substr(at))) return text.size() - at;
    ++at;
  }
  return 0;
}

bool MultipartParser::read_data(std::vector<FormEvent>& events) {
  const std::string_view text = rest();
  // memmem is several times faster than string_view::find on long inputs.
  const void* hit = ::memmem(text.data(), text.size(), delimiter_.data(), delimiter_.size());
  std::size_t length = text.size();
  if (hit != nullptr) {
    length = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
  } else {
    length -= held_back(text);
  }
  if (length > 0) {
    events.push_back({FormEvent::Kind::kData, {}, text.substr(0, length)});
    start_ += length;
  }
  if (hit == nullptr) return false;
  events.push_back({FormEvent::Kind::kPartEnd, {}, {}});
  start_ += delimiter_.size();
  state_ = State::kDelimiter;
  return true;
}

PartHead parse_part_head(std::string_view text) {
  PartHead head;
  bool described = false;
  std::size_t fields = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (++fields > kMaxFieldsOfPart) malformed("a part has more than 16 header fields");
    const bool control = std::any_of(line.begin(), line.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
    if (control) malformed("a part's head holds a control character");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' ||
        line.front() == '\t') {
      malformed("a line of a part's head is no header field");
    }
    if (!equal_ignoring_case(line.substr(0, colon), "Content-Disposition")) continue;
    if (described) malformed("a part has more than one Content-Disposition");
    described = true;
    read_disposition(trim_blanks(line.substr(colon + 1)), head);
  }
  if (!described) malformed("a part has no Content-Disposition");
  return head;
}

}  // namespace podium
