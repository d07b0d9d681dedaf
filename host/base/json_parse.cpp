#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxNumberLength = 64;

std::string shown(std::string_view key) {
  const bool cut = key.size() > 64;
  return json_quote(key.substr(0, utf8_floor(key, 64))) + (cut ? "…" : "");
}

/// Nearly every object is so small that looking at all pairs is the quickest.
bool are_few_and_distinct(const Json::Object& members) {
  if (members.size() > 16) return false;
  for (std::size_t i = 1; i < members.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (members[i].first == members[j].first) return false;
    }
  }
  return true;
}

/// Of members with the same key the last value stays, at the place of the first.
void keep_last_of_duplicates(Json::Object& members) {
  if (are_few_and_distinct(members)) return;
  std::vector<std::size_t> order(members.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return members[a].first < members[b].first;
  });
  std::vector<bool> drop(members.size());
  bool any = false;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t last = i;
    while (last + 1 < order.size() && members[order[last + 1]].first == members[order[i]].first) {
      drop[order[++last]] = any = true;
    }
    if (last > i) members[order[i]].second = std::move(members[order[last]].second);
    i = last + 1;
  }
  if (!any) return;
  Json::Object kept;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!drop[i]) kept.push_back(std::move(members[i]));
  }
  members = std::move(kept);
}

/// Receives RapidJSON's events. A refused event returns false, which ends parsing at that place.
class Builder {
 public:
  using Ch = char;

  Builder(const JsonRules& rules, bool escapes) : rules_(rules), escapes_(escapes) {}

  bool Null() { return add(Json()); }
  bool Bool(bool value) { return add(Json(value)); }
  // Numbers come as text: RapidJSON 1.1.0's own conversion has known faults.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  bool RawNumber(const char* data, rapidjson::SizeType size, bool) {
    if (size > kMaxNumberLength) {
      return refuse("a number of " + std::to_string(size) + " characters: expected at most " +
                    std::to_string(kMaxNumberLength));
    }
    const std::string_view text(data, size);
    const char* end = data + size;
    if (text.find_first_of(".eE") == text.npos) {
      std::int64_t integer = 0;
      if (std::from_chars(data, end, integer).ec == std::errc{}) return add(Json(integer));
    }
    double number = 0;
    if (std::from_chars(data, end, number).ec == std::errc::result_out_of_range) {
      // At this length only the exponent can do that; a tiny number is zero, a huge one is nothing.
      if (text.find("e-") == text.npos && text.find("E-") == text.npos) {
        return refuse("a number too large for a double");
      }
      number = text.front() == '-' ? -0.0 : 0.0;
    }
    return add(Json(number));
  }

  bool String(const char* data, rapidjson::SizeType size, bool) {
    const std::string_view text(data, size);
    return well_formed(text) && add(Json(text));
  }

  bool Key(const char* data, rapidjson::SizeType size, bool) {
    Open& open = open_.back();
    open.key.assign(data, size);
    if (!well_formed(open.key)) return false;
    if (rules_.unique_keys && !open.seen.insert(open.key).second) {
      return refuse("the key " + shown(open.key) + " appears twice in one object");
    }
    return true;
  }

  bool StartObject() { return open(Json::object()); }
  bool StartArray() { return open(Json::array()); }
  bool EndObject(rapidjson::SizeType) {
    if (!rules_.unique_keys) keep_last_of_duplicates(open_.back().value.members());
    return close();
  }
  bool EndArray(rapidjson::SizeType) { return close(); }

  Json take() { return std::move(root_); }
  const std::string& why() const noexcept { return why_; }
  Code code() const noexcept { return code_; }

 private:
  struct Open {
    Json value;
    std::string key;
    std::unordered_set<std::string> seen;
  };

  bool refuse(std::string why, Code code = Code::kMalformed) {
    why_ = std::move(why);
    code_ = code;
    return false;
  }

  // The whole input is UTF-8; only an escape can bring in half a surrogate pair.
  bool well_formed(std::string_view text) {
    if (!escapes_ || is_utf8(text)) return true;
    return refuse("half of a surrogate pair in a \\u escape: expected both halves");
  }

  bool count() {
    if (++values_ <= rules_.max_values) return true;
    return refuse("more than " + std::to_string(rules_.max_values) + " values", Code::kTooLarge);
  }

  bool open(Json container) {
    if (open_.size() == rules_.max_depth) {
      return refuse("nested deeper than " + std::to_string(rules_.max_depth) + " levels");
    }
    if (!count()) return false;
    open_.emplace_back();
    open_.back().value = std::move(container);
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    place(std::move(value));
    return true;
  }

  bool add(Json value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }

  void place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.items().push_back(std::move(value));
    } else {
      // Not Json::set, which looks at every member: a large object would cost its square.
      open_.back().value.members().emplace_back(std::move(open_.back().key), std::move(value));
    }
  }

  const JsonRules& rules_;
  bool escapes_;
  std::size_t values_ = 0;
  Json root_;
  std::vector<Open> open_;
  std::string why_;
  Code code_ = Code::kMalformed;
};

[[noreturn]] void fail_at(std::string_view text, std::size_t offset, const std::string& why,
                          Code code = Code::kMalformed) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::string_view last = before.substr(before.rfind('\n') + 1);
  const auto column = 1 + std::count_if(last.begin(), last.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
                      });
  throw Failure(code,
                "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + why);
}

const char* explain(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
      return "the document is empty: expected a value";
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return "something follows the value: expected the end";
    case rapidjson::kParseErrorValueInvalid:
      return "expected a value";
    case rapidjson::kParseErrorObjectMissName:
      return "expected a key in quotes, or '}'";
    case rapidjson::kParseErrorObjectMissColon:
      return "expected ':' after the key";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return "expected ',' or '}'";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return "expected ',' or ']'";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      return "expected four hexadecimal digits after \\u";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return "half of a surrogate pair in a \\u escape: expected both halves";
    case rapidjson::kParseErrorStringEscapeInvalid:
      return "unknown escape in a string";
    case rapidjson::kParseErrorStringMissQuotationMark:
      return "the string does not end, or has an unescaped control character";
    case rapidjson::kParseErrorStringInvalidEncoding:
      return "the string is not UTF-8";
    case rapidjson::kParseErrorNumberTooBig:
      return "a number too large for a double";
    case rapidjson::kParseErrorNumberMissFraction:
      return "expected a digit after the point";
    case rapidjson::kParseErrorNumberMissExponent:
      return "expected a digit in the exponent";
    case rapidjson::kParseErrorNone:
    case rapidjson::kParseErrorTermination:
    case rapidjson::kParseErrorUnspecificSyntaxError:
      break;
  }
  return "not JSON";
}

}  // namespace

Json json_parse(std::string_view text, const JsonRules& rules) {
  // RapidJSON counts in 32 bits.
  const std::size_t max_bytes = std::min<std::size_t>(rules.max_bytes, 1u << 31);
  if (text.size() > max_bytes) {
    throw Failure(Code::kTooLarge, "the document has " + std::to_string(text.size()) +
                                       " bytes: expected at most " + std::to_string(max_bytes));
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") fail_at(text, 0, "a byte order mark: expected a value");
  const std::size_t good = utf8_prefix(text);
  if (good != text.size()) fail_at(text, good, "ill-formed UTF-8");
  // RapidJSON takes NUL for the end and would not see what follows.
  const std::size_t nul = text.find('\0');
  if (nul != text.npos) fail_at(text, nul, "a NUL character");

  constexpr unsigned kStrict =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  constexpr unsigned kRelaxed =
      kStrict | rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag;
  Builder builder(rules, text.find("\\u") != text.npos);
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(text.data(), text.size());
  const rapidjson::ParseResult result = rules.comments ? reader.Parse<kRelaxed>(stream, builder)
                                                       : reader.Parse<kStrict>(stream, builder);
  if (result.IsError()) {
    const std::string why = builder.why().empty() ? explain(result.Code()) : builder.why();
    fail_at(text, result.Offset(), why, builder.code());
  }
  return builder.take();
}

}  // namespace podium
