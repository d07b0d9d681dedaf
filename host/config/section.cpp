#include "config/section.hpp"

#include <algorithm>
#include <cmath>

#include "base/units.hpp"
#include "config/options.hpp"

namespace podium {
namespace {

Failure wrong_type(const std::string& path, const Json& found, const std::string& expected) {
  return config_failure(path, std::string("found ") + found.kind() + ", expected " + expected);
}

template <class T, class Format>
void check_bounds(const std::string& path, const T& value, const Bounds<T>& bounds, Format format) {
  if (value >= bounds.min && value <= bounds.max) return;
  throw config_failure(path, "found " + format(value) + ", expected " + format(bounds.min) +
                                 " to " + format(bounds.max));
}

}  // namespace

Failure config_failure(const std::string& path, const std::string& why) {
  return Failure(Code::kInvalidArgument, (path.empty() ? "/" : path) + ": " + why);
}

std::string unknown_key(std::string_view key, const std::vector<std::string>& known) {
  const std::string what = "unknown key " + json_quote(key.substr(0, 80));
  const std::string near = nearest_key(key, known);
  if (!near.empty()) return what + ": did you mean \"" + near + "\"?";
  if (known.empty()) return what + ": expected none";
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  return what + ": expected one of " + list;
}

std::string path_of(const std::string& path, std::string_view key) {
  std::string escaped;
  for (const char c : key.substr(0, 80)) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      // A key may hold anything; a message is one line.
      escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
  }
  return path + "/" + escaped;
}

const std::string& require_string(const Json& value, const std::string& path) {
  if (!value.is_string()) throw wrong_type(path, value, "a string");
  if (value.string().find('\0') != std::string::npos) {
    throw config_failure(path, "found a NUL character, expected text without it");
  }
  return value.string();
}

const Json::Object& require_object(const Json& value, const std::string& path) {
  if (!value.is_object()) throw wrong_type(path, value, "an object");
  return value.members();
}

Section::Section(const Json& value, std::string path, OptionTable* table)
    : value_(value), path_(std::move(path)), table_(table) {
  require_object(value, path_);
}

Section Section::section(const Json& value, std::string_view key) const {
  return {value, path_of(key), table_};
}

void Section::record(std::string_view key, OptionType type) { record(key, type, "", ""); }

void Section::record(std::string_view key, OptionType type, std::string least, std::string most) {
  if (table_ == nullptr) return;
  table_->push_back({path_of(key), type, std::move(least), std::move(most), {}});
}

std::string Section::path_of(std::string_view key) const { return podium::path_of(path_, key); }

const Json* Section::find(std::string_view key) {
  known_.emplace_back(key);
  return value_.find(key);
}

const Json& Section::require(std::string_view key) {
  const Json* member = find(key);
  if (member == nullptr) throw config_failure(path_of(key), "is missing");
  return *member;
}

void Section::text(std::string_view key, std::string& out) {
  record(key, OptionType::kText);
  if (const Json* member = find(key)) out = require_string(*member, path_of(key));
}

void Section::choice(std::string_view key, std::string& out,
                     const std::vector<std::string>& choices) {
  text(key, out);
  if (table_ != nullptr) {
    table_->back().type = OptionType::kChoice;
    table_->back().choices = choices;
  }
  if (std::find(choices.begin(), choices.end(), out) != choices.end()) return;
  std::string list;
  for (const std::string& name : choices) list += (list.empty() ? "\"" : " or \"") + name + "\"";
  throw config_failure(path_of(key), "found " + json_quote(out) + ", expected " + list);
}

void Section::texts(std::string_view key, std::vector<std::string>& out) {
  record(key, OptionType::kTexts);
  const Json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_array()) throw wrong_type(path_of(key), *member, "an array of strings");
  out.clear();
  for (const Json& item : member->items()) {
    out.push_back(require_string(item, podium::path_of(path_of(key), std::to_string(out.size()))));
  }
}

void Section::flag(std::string_view key, bool& out) {
  record(key, OptionType::kFlag);
  const Json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_bool()) throw wrong_type(path_of(key), *member, "true or false");
  out = member->boolean();
}

void Section::duration(std::string_view key, std::chrono::milliseconds& out,
                       Bounds<std::chrono::milliseconds> bounds) {
  record(key, OptionType::kDuration, format_duration(bounds.min), format_duration(bounds.max));
  const Json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_string()) {
    throw wrong_type(path_of(key), *member, "a duration as a string, like \"30s\"");
  }
  try {
    out = parse_duration(member->string());
  } catch (const Failure& failure) {
    throw config_failure(path_of(key), failure.what());
  }
  check_bounds(path_of(key), out, bounds, format_duration);
}

void Section::size(std::string_view key, std::uint64_t& out, Bounds<std::uint64_t> bounds) {
  record(key, OptionType::kSize, format_size(bounds.min), format_size(bounds.max));
  const Json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_string()) {
    throw wrong_type(path_of(key), *member, "a size as a string, like \"64MiB\"");
  }
  try {
    out = parse_size(member->string());
  } catch (const Failure& failure) {
    throw config_failure(path_of(key), failure.what());
  }
  check_bounds(path_of(key), out, bounds, format_size);
}

void Section::cores(std::string_view key, std::uint32_t& out, Bounds<std::uint32_t> bounds) {
  record(key, OptionType::kCores, json_dump(Json(bounds.min / 1000.0)),
         json_dump(Json(bounds.max / 1000.0)));
  const Json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_number()) throw wrong_type(path_of(key), *member, "a number of cores, like 0.5");
  const double thousandths = std::round(member->number() * 1000);
  if (!(thousandths >= bounds.min && thousandths <= bounds.max)) {
    throw config_failure(path_of(key), "found " + json_dump(*member) + ", expected " +
                                           json_dump(Json(bounds.min / 1000.0)) + " to " +
                                           json_dump(Json(bounds.max / 1000.0)) + " cores");
  }
  out = static_cast<std::uint32_t>(thousandths);
}

double Section::factor(std::string_view key, Bounds<double> bounds) {
  record(key, OptionType::kFactor, json_dump(Json(bounds.min)), json_dump(Json(bounds.max)));
  const Json* member = find(key);
  if (member == nullptr) return 1;
  if (!member->is_number()) throw wrong_type(path_of(key), *member, "a factor, like 1.5");
  const double value = member->number();
  if (!(value >= bounds.min && value <= bounds.max)) {
    throw config_failure(path_of(key), "found " + json_dump(*member) + ", expected a factor from " +
                                           json_dump(Json(bounds.min)) + " to " +
                                           json_dump(Json(bounds.max)));
  }
  return value;
}

std::uint64_t Section::count_between(std::string_view key, std::uint64_t absent, std::uint64_t min,
                                     std::uint64_t max) {
  record(key, OptionType::kCount, std::to_string(min), std::to_string(max));
  const Json* member = find(key);
  if (member == nullptr) return absent;
  const std::string expected =
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!member->is_number()) throw wrong_type(path_of(key), *member, expected);
  const bool whole = member->is_integer() && member->integer() >= 0;
  const auto value = whole ? static_cast<std::uint64_t>(member->integer()) : 0;
  if (!whole || value < min || value > max) {
    throw config_failure(path_of(key), "found " + json_dump(*member) + ", expected " + expected);
  }
  return value;
}

void Section::finish() const {
  for (const auto& [key, value] : value_.members()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      throw config_failure(path_of(key), unknown_key(key, known_));
    }
  }
}

}  // namespace podium
