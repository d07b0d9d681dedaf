#include "http/exec_command.hpp"

#include <algorithm>
#include <cmath>

#include "base/failure.hpp"
#include "base/ids.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxFiles = 1000;
constexpr std::size_t kMaxShownLanguage = 64;
constexpr double kMaxTimeoutMs = 1e12;

[[noreturn]] void wrong(const std::string& field, const std::string& expected, const char* code) {
  throw Failure(Code::kUnprocessable, field + " must be " + expected)
      .with_field({field, "must be " + expected, code});
}

/// The member when it is there and not null.
const Json* given(const Json& body, std::string_view key) {
  const Json* value = body.find(key);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

std::string text_member(const Json& body, const std::string& key) {
  const Json* value = given(body, key);
  if (value == nullptr) return {};
  if (!value->is_string()) wrong(key, "a string", "type");
  return value->string();
}

std::string required_text(const Json& body, const std::string& key) {
  if (given(body, key) == nullptr) {
    throw Failure(Code::kUnprocessable, "the field " + key + " is required")
        .with_field({key, "is required", "missing"});
  }
  return text_member(body, key);
}

void refuse_nul(const std::string& text, const std::string& field) {
  if (text.find('\0') != std::string::npos) wrong(field, "without NUL", "value");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.string() : json_dump(value);
}

std::vector<std::string> arguments(const Json& body) {
  const Json* value = given(body, "args");
  if (value == nullptr) return {};
  std::vector<std::string> words;
  if (value->is_string()) {
    words = split_shell_words(value->string());
  } else if (value->is_array()) {
    for (const Json& item : value->items()) words.push_back(as_text(item));
  } else {
    words.push_back(json_dump(*value));
  }
  for (const std::string& word : words) refuse_nul(word, "args");
  return words;
}

std::map<std::string, std::string> environment(const Json& body) {
  std::map<std::string, std::string> variables;
  const Json* value = given(body, "env");
  if (value == nullptr) return variables;
  if (!value->is_object()) wrong("env", "an object of strings", "type");
  for (const auto& [name, setting] : value->members()) {
    if (!setting.is_string()) wrong("env." + name, "a string", "type");
    refuse_nul(name, "env");
    refuse_nul(setting.string(), "env." + name);
    variables[name] = setting.string();
  }
  return variables;
}

std::optional<milliseconds> timeout(const Json& body) {
  const Json* value = given(body, "timeout");
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->number() : 0;
  if (!(number > 0)) {
    throw Failure(Code::kInvalidArgument, "timeout must be a positive number of milliseconds")
        .with_field({"timeout", "must be a positive number of milliseconds", "value"});
  }
  return milliseconds(static_cast<std::int64_t>(std::ceil(std::min(number, kMaxTimeoutMs))));
}

std::string text_or_nothing(const Json& body, std::string_view key) {
  const Json* value = body.find(key);
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

/// An id of another form than ours names nothing: the reference is then tried by name.
std::string id_or_nothing(std::string text) { return is_id(text) ? text : std::string(); }

FileReference reference(const Json& item, const std::string& where) {
  if (!item.is_object()) wrong(where, "an object with id, name and session_id", "type");
  FileReference found;
  found.id = id_or_nothing(text_member(item, "id"));
  found.name = text_member(item, "name");
  refuse_nul(found.name, where + ".name");
  const std::string stored = text_member(item, "storage_session_id");
  found.new_style = !stored.empty();
  found.session = id_or_nothing(found.new_style ? stored : text_member(item, "session_id"));
  found.scope = {text_or_nothing(item, "kind"), text_or_nothing(item, "resource_id"), ""};
  return found;
}

std::vector<FileReference> references(const Json& body) {
  std::vector<FileReference> files;
  const Json* value = given(body, "files");
  if (value == nullptr) return files;
  if (!value->is_array()) wrong("files", "an array of references", "type");
  if (value->items().size() > kMaxFiles) {
    wrong("files", "at most " + std::to_string(kMaxFiles) + " references", "value");
  }
  for (const Json& item : value->items()) {
    files.push_back(reference(item, "files[" + std::to_string(files.size()) + "]"));
  }
  return files;
}

std::string canonical_language(const std::string& name, const Config& config) {
  if (const LanguageConfig* language = config.language(name)) return language->name;
  const std::string shown =
      name.size() <= kMaxShownLanguage ? name : name.substr(0, kMaxShownLanguage) + "…";
  throw Failure(Code::kInvalidArgument, "Unsupported language: " + shown)
      .with_field({"lang", "is not one of this server's languages", "value"});
}

}  // namespace

ExecCommand parse_exec_command(const Json& body, const Config& config) {
  if (!body.is_object()) {
    throw Failure(Code::kUnprocessable,
                  std::string("the body must be an object, it is ") + body.kind());
  }
  ExecCommand command;
  command.code = required_text(body, "code");
  const std::string language = required_text(body, "lang");
  command.arguments = arguments(body);
  command.standard_input = text_member(body, "stdin");
  command.environment = environment(body);
  command.timeout = timeout(body);
  command.files = references(body);
  command.session_id = id_or_nothing(text_member(body, "session_id"));
  command.user_id = text_member(body, "user_id");
  refuse_nul(command.user_id, "user_id");
  command.entity_id = text_member(body, "entity_id");
  if (!command.entity_id.empty() && !is_entity_id(command.entity_id)) {
    wrong("entity_id", "at most 40 of A-Z, a-z, 0-9, _ and -", "value");
  }
  command.language = canonical_language(language, config);
  if (is_blank(command.code)) {
    throw Failure(Code::kInvalidArgument, "code must not be empty")
        .with_field({"code", "must not be empty", "value"});
  }
  return command;
}

std::optional<std::string> take_body_key(Json& body) {
  std::optional<std::string> key;
  if (!body.is_object()) return key;
  for (const char* name : {"LIBRECHAT_CODE_API_KEY", "apiKey", "api_key"}) {
    const Json* value = body.find(name);
    if (value == nullptr) continue;
    if (!key && value->is_string() && !value->string().empty()) key = value->string();
  }
  std::erase_if(body.members(), [](const Json::Member& member) {
    return member.first == "LIBRECHAT_CODE_API_KEY" || member.first == "apiKey" ||
           member.first == "api_key";
  });
  return key;
}

std::vector<std::string> split_shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'') {
      if (c == '\'')
        quote = '\0';
      else
        word += c;
    } else if (quote == '"') {
      const bool escapes =
          c == '\\' && i + 1 < text.size() &&
          (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == '$' || text[i + 1] == '`');
      if (c == '"')
        quote = '\0';
      else
        word += escapes ? text[++i] : c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') throw Failure(Code::kInvalidArgument, "args: a quote does not end");
  if (in_word) words.push_back(word);
  return words;
}

bool is_entity_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  });
}

}  // namespace podium
