#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/utf8.hpp"

namespace podium {

Json::Json(unsigned long value) {
  if (value <= static_cast<unsigned long>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = static_cast<double>(value);
  }
}

const char* Json::kind() const noexcept {
  constexpr std::array kNames{"null",     "a boolean", "a number", "a number",
                              "a string", "an array",  "an object"};
  return kNames[value_.index()];
}

double Json::number() const {
  return is_integer() ? static_cast<double>(integer()) : std::get<double>(value_);
}

const Json* Json::find(std::string_view key) const noexcept {
  const auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  for (Member& member : members()) {
    if (member.first == key) {
      member.second = std::move(value);
      return *this;
    }
  }
  members().emplace_back(std::move(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  items().push_back(std::move(value));
  return *this;
}

namespace {

void append_escaped(std::string& out, unsigned char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
  }
}

/// Well-formed text only. U+2028 and U+2029 (E2 80 A8, E2 80 A9) end a line in old JavaScript.
void append_literal(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of what has not been copied yet
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool separator = c == 0xE2 && (text.compare(i, 3, "\xE2\x80\xA8") == 0 ||
                                         text.compare(i, 3, "\xE2\x80\xA9") == 0);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F && !separator) continue;
    out.append(text, plain, i - plain);
    if (separator) {
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      append_escaped(out, c);
    }
    plain = i + 1;
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_string(std::string& out, std::string_view text) {
  if (is_utf8(text)) {
    append_literal(out, text);
  } else {
    append_literal(out, to_utf8(text));
  }
}

void append_number(std::string& out, const Json& value) {
  std::array<char, 32> text;
  if (value.is_integer()) {
    const auto end = std::to_chars(text.begin(), text.end(), value.integer()).ptr;
    out.append(text.begin(), end);
    return;
  }
  if (!std::isfinite(value.number())) {
    out += "null";
    return;
  }
  const auto end = std::to_chars(text.begin(), text.end(), value.number()).ptr;
  const std::string_view shortest(text.begin(), static_cast<std::size_t>(end - text.begin()));
  out += shortest;
  // So that reading it back gives a double again.
  if (shortest.find_first_of(".e") == shortest.npos) out += ".0";
}

/// Walks a value with a stack of its own: depth costs memory and not the thread's stack.
class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  std::string write(const Json& root) {
    begin(root);
    while (!open_.empty()) {
      Level& level = open_.back();
      const std::size_t count =
          level.value->is_array() ? level.value->items().size() : level.value->members().size();
      if (level.next == count) {
        end(count);
        continue;
      }
      if (level.next > 0) out_ += ',';
      new_line();
      const std::size_t at = level.next++;
      if (level.value->is_array()) {
        begin(level.value->items()[at]);
      } else {
        const auto& [key, value] = level.value->members()[at];
        append_string(out_, key);
        out_ += pretty_ ? ": " : ":";
        begin(value);
      }
    }
    return std::move(out_);
  }

 private:
  struct Level {
    const Json* value;
    std::size_t next;
  };

  void begin(const Json& value) {
    if (value.is_array() || value.is_object()) {
      out_ += value.is_array() ? '[' : '{';
      open_.push_back({&value, 0});
    } else if (value.is_string()) {
      append_string(out_, value.string());
    } else if (value.is_number()) {
      append_number(out_, value);
    } else {
      out_ += value.is_null() ? "null" : value.boolean() ? "true" : "false";
    }
  }

  void end(std::size_t count) {
    const char bracket = open_.back().value->is_array() ? ']' : '}';
    open_.pop_back();
    if (count > 0) new_line();
    out_ += bracket;
  }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * open_.size(), ' ');
  }

  bool pretty_;
  std::string out_;
  std::vector<Level> open_;
};

}  // namespace

std::string json_dump(const Json& value) { return Writer(false).write(value); }

std::string json_dump_pretty(const Json& value) { return Writer(true).write(value); }

std::string json_quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_string(out, text);
  return out;
}

}  // namespace podium
