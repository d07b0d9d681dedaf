#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace podium {

/// A JSON value. Objects keep the order of their members. Cheap to move, copied deeply.
///
/// RapidJSON reads and writes behind this type and appears in no header, so that its pitfalls
/// (recursion of ==, of parsing and of copying; asserts on wrong types) stay in json.cpp.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() noexcept = default;  ///< null
  Json(std::nullptr_t) noexcept {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(unsigned value) : value_(std::int64_t{value}) {}
  Json(long value) : value_(std::int64_t{value}) {}
  Json(long long value) : value_(std::int64_t{value}) {}
  /// Above the range of int64_t it becomes a double.
  Json(unsigned long value);
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }
  static Json object(std::initializer_list<Member> members) { return Json(Object(members)); }

  bool is_null() const noexcept { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const noexcept { return std::holds_alternative<bool>(value_); }
  bool is_integer() const noexcept { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const noexcept { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const noexcept { return std::holds_alternative<std::string>(value_); }
  bool is_array() const noexcept { return std::holds_alternative<Array>(value_); }
  bool is_object() const noexcept { return std::holds_alternative<Object>(value_); }
  /// "null", "a boolean", "a number", "a string", "an array", "an object": for messages.
  const char* kind() const noexcept;

  /// The value as that type; the caller has asked is_… first, otherwise std::bad_variant_access.
  bool boolean() const { return std::get<bool>(value_); }
  std::int64_t integer() const { return std::get<std::int64_t>(value_); }
  double number() const;
  const std::string& string() const { return std::get<std::string>(value_); }
  std::string& string() { return std::get<std::string>(value_); }
  const Array& items() const { return std::get<Array>(value_); }
  Array& items() { return std::get<Array>(value_); }
  const Object& members() const { return std::get<Object>(value_); }
  Object& members() { return std::get<Object>(value_); }

  /// The member of an object, nullptr when absent or when this is no object.
  const Json* find(std::string_view key) const noexcept;
  /// Adds or replaces a member; a null value becomes an object first.
  Json& set(std::string key, Json value);
  /// Adds an element; a null value becomes an array first.
  Json& push(Json value);

  bool operator==(const Json& other) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// What json_parse accepts.
struct JsonRules {
  std::size_t max_depth = 32;
  std::size_t max_bytes = 64u << 20;
  std::size_t max_values = 1'000'000;  ///< values of every kind: each costs about 50 bytes
  bool comments = false;               ///< comments and trailing commas: config files only
  bool unique_keys = false;            ///< a duplicate key is an error; otherwise the last one wins
};

/// Reads one JSON document and nothing after it (RFC 8259). The input must be UTF-8. Refused are
/// numbers of more than 64 characters, NaN and infinities, a byte order mark, and escapes of half a
/// surrogate pair ("\\ud83d" alone): a program must not run with its text silently changed. Whole
/// numbers that do not fit std::int64_t become doubles.
/// Throws Failure(kMalformed) with line and column (in characters), Failure(kTooLarge) for more
/// than max_bytes or max_values. Any thread.
Json json_parse(std::string_view text, const JsonRules& rules = {});

/// Compact JSON. Strings must be UTF-8: ill-formed sequences become U+FFFD. U+2028 and U+2029 are
/// escaped. Doubles that are no numbers become null.
std::string json_dump(const Json& value);

/// Indented by two spaces, for people.
std::string json_dump_pretty(const Json& value);

/// `text` as a JSON string literal with its quotes.
std::string json_quote(std::string_view text);

}  // namespace podium
