#include "config/overrides.hpp"

#include <algorithm>
#include <cctype>

#include "config/options.hpp"
#include "config/section.hpp"

namespace podium {
namespace {

constexpr std::string_view kPrefix = "PODIUM__";
constexpr std::string_view kParts = "__";

/// A name as it can stand in a variable: "python-pod" is "python_pod", "/exec" is "exec".
std::string variable_form(std::string_view name) {
  std::string form;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) {
      form += static_cast<char>(std::tolower(letter));
    } else if (!form.empty()) {
      form += '_';
    }
  }
  return form;
}

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts;
  name.remove_prefix(kPrefix.size());
  for (;;) {
    const std::size_t end = name.find(kParts);
    parts.emplace_back(name.substr(0, end));
    if (end == name.npos) return parts;
    name.remove_prefix(end + kParts.size());
  }
}

/// One variable on its way into the document.
class Placing {
 public:
  Placing(std::string variable, std::string text)
      : variable_(std::move(variable)), text_(std::move(text)) {}

  Override place(Json& document) {
    const std::vector<std::string> parts = parts_of(variable_);
    Json* at = &document;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      if (last && is_reference(*at, parts[i])) {
        *at = Json::object({{variable_form(parts[i]), text_}});
        return {variable_, pointer_, text_};
      }
      at = &member(*at, parts[i], last);
    }
    *at = typed(*at);
    return {variable_, pointer_, is_private_key(pointer_) ? "(hidden)" : text_};
  }

 private:
  Failure refusal(const std::string& why) const {
    return Failure(Code::kInvalidArgument, "environment variable " + variable_ + ": " + why);
  }

  /// {"file": …} and {"env": …} replace one another, and "null".
  bool is_reference(const Json& at, const std::string& part) const {
    const std::string name = variable_form(part);
    if (name != "file" && name != "env") return false;
    return pointer_ == "/auth/admin_key" || (is_option() && (at.is_null() || at.is_object()));
  }
  bool is_option() const { return pointer_.find("/options/") != pointer_.npos; }

  Json& member(Json& at, const std::string& part, bool last) {
    std::vector<std::string> known;
    if (at.is_object()) {
      for (auto& [name, value] : at.members()) {
        if (variable_form(name) != variable_form(part)) {
          known.push_back(variable_form(name));
          continue;
        }
        pointer_ = path_of(pointer_, name);
        return value;
      }
    }
    const std::string name = variable_form(part);
    // What an entry of these may have beside what it has is known to its reader only.
    const bool open = pointer_.starts_with("/plugins/") || pointer_.starts_with("/languages/");
    if (!open || name.empty() || !(at.is_object() || at.is_null())) refuse_name(part, known);
    pointer_ = path_of(pointer_, last && pointer_.ends_with("/environment") ? part : name);
    const std::size_t slash = pointer_.rfind('/');
    at.set(pointer_.substr(slash + 1), last ? Json() : Json::object());
    return at.members().back().second;
  }

  [[noreturn]] void refuse_name(const std::string& part, const std::vector<std::string>& known) {
    const std::string where = pointer_.empty() ? "the configuration" : pointer_;
    std::string hint = nearest_key(variable_form(part), known);
    std::transform(hint.begin(), hint.end(), hint.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    throw refusal(
        where + " has no \"" + variable_form(part) + "\"" +
        (hint.empty() ? "; podium config schema names every key" : ": did you mean " + hint + "?"));
  }

  Json typed(const Json& old) const {
    if (old.is_string()) return text_;
    if (old.is_bool()) {
      if (text_ == "true" || text_ == "false") return text_ == "true";
      throw refusal("found " + json_quote(text_) + ", expected true or false");
    }
    if (old.is_array()) return list();
    if (old.is_number()) {
      const Json value = parsed();
      if (value.is_number()) return value;
      throw refusal("found " + json_quote(text_) + ", expected a number");
    }
    if (pointer_ == "/auth/admin_key" && text_ == "null") return {};
    if (old.is_object()) throw refusal(pointer_ + " is a section, expected the name of one value");
    // Nothing tells its type: what reads as JSON is that, anything else is text.
    const Json value = parsed();
    return value.is_null() ? Json(text_) : value;
  }

  /// Null when it is no JSON.
  Json parsed() const {
    try {
      return json_parse(text_);
    } catch (const Failure&) {
      return {};
    }
  }

  Json list() const {
    if (text_.starts_with('[')) {
      Json value = parsed();
      if (value.is_array()) return value;
      throw refusal("found " + json_quote(text_) + ", expected a JSON array, or words and commas");
    }
    Json out = Json::array();
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      out.push(Json(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

  std::string variable_, text_, pointer_;
};

}  // namespace

ConfigEnvironment config_environment(const char* const* environment) {
  ConfigEnvironment out;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (std::string_view(*environment).starts_with(kPrefix)) out.emplace_back(*environment);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void apply_overrides(Json& document, const ConfigEnvironment& environment,
                     std::vector<Override>& applied) {
  for (const std::string& line : environment) {
    const std::size_t equals = std::min(line.find('='), line.size());
    std::string text = line.substr(std::min(equals + 1, line.size()));
    Override made = Placing(line.substr(0, equals), std::move(text)).place(document);
    for (const Override& earlier : applied) {
      if (earlier.key != made.key) continue;
      throw Failure(Code::kInvalidArgument, "environment variables " + earlier.variable + " and " +
                                                made.variable + " both set " + made.key +
                                                ", expected one");
    }
    applied.push_back(std::move(made));
  }
}

std::string origin_of(std::string_view message, const std::vector<Override>& applied,
                      const std::string& origin) {
  for (const Override& each : applied) {
    if (!message.starts_with(each.key)) continue;
    const char next = message.size() > each.key.size() ? message[each.key.size()] : ':';
    if (next == ':' || next == '/') return "environment variable " + each.variable;
  }
  return origin;
}

bool is_private_key(std::string_view pointer) noexcept {
  if (pointer.starts_with("/plugins/")) return pointer.find("/options/") != pointer.npos;
  return pointer.starts_with("/languages/") && pointer.find("/environment/") != pointer.npos;
}

}  // namespace podium
