#include "http/tool_command.hpp"

#include <algorithm>
#include <map>

#include "base/failure.hpp"
#include "exec/text.hpp"

namespace podium {
namespace {

constexpr std::size_t kMostTools = 100;
constexpr std::size_t kMostName = 256;
constexpr std::size_t kMostRequestId = 128;

[[noreturn]] void wrong(const std::string& field, const std::string& expected, Code code) {
  throw Failure(code, field + " must be " + expected)
      .with_field({field, "must be " + expected, "value"});
}

std::string text_or_nothing(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

/// The order of arguments without a name: those that are required, then the others.
std::vector<std::string> parameters_of(const Json& tool) {
  std::vector<std::string> names;
  const Json* schema = tool.find("parameters");
  const Json* properties = schema == nullptr ? nullptr : schema->find("properties");
  if (properties == nullptr || !properties->is_object()) return names;
  for (const auto& [name, what] : properties->members()) names.push_back(name);
  const Json* required = schema->find("required");
  if (required == nullptr || !required->is_array()) return names;
  const auto needed = [&](const std::string& name) {
    return std::find(required->items().begin(), required->items().end(), Json(name)) !=
           required->items().end();
  };
  std::stable_partition(names.begin(), names.end(), needed);
  return names;
}

Tool tool(const Json& item, const std::string& where) {
  if (!item.is_object()) {
    wrong(where, "an object with name, description and parameters", Code::kUnprocessable);
  }
  Tool found{text_or_nothing(item, "name"), text_or_nothing(item, "description"),
             parameters_of(item)};
  if (found.name.empty() || found.name.size() > kMostName ||
      found.name.find('\0') != std::string::npos) {
    wrong(where + ".name", "a string of 1 to " + std::to_string(kMostName) + " bytes",
          Code::kUnprocessable);
  }
  return found;
}

std::vector<Tool> tools(const Json& body, ToolLanguage language) {
  const Json* list = body.find("tools");
  if (list == nullptr || !list->is_array() || list->items().empty() ||
      list->items().size() > kMostTools) {
    wrong("tools",
          "an array of 1 to " + std::to_string(kMostTools) +
              " tools; a program without "
              "any is for POST /exec",
          list == nullptr || list->is_array() ? Code::kInvalidArgument : Code::kUnprocessable);
  }
  std::vector<Tool> all;
  std::map<std::string, std::string> functions;
  for (const Json& item : list->items()) {
    const std::string where = "tools[" + std::to_string(all.size()) + "]";
    all.push_back(tool(item, where));
    const std::string& name = all.back().name;
    const std::string function = function_name(language, name);
    if (function.empty()) {
      wrong(where + ".name", "one with letters or digits: \"" + printable(name) + "\" has none",
            Code::kInvalidArgument);
    }
    const auto [other, fresh] = functions.emplace(function, name);
    if (!fresh) {
      wrong(where + ".name",
            "another one: \"" + printable(name) + "\" and \"" + printable(other->second) +
                "\" are both the function " + function,
            Code::kInvalidArgument);
    }
  }
  return all;
}

ToolLanguage language_of(const Json& body, const Config& config, std::string& canonical) {
  std::string asked = "python";
  for (const char* key : {"lang", "language"}) {
    const Json* value = body.find(key);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_string()) wrong(key, "a string", Code::kUnprocessable);
    asked = value->string();
  }
  const LanguageConfig* known = config.language(asked);
  const std::optional<ToolLanguage> found =
      known == nullptr ? std::nullopt : tool_language(known->name);
  if (!found) {
    throw Failure(Code::kInvalidArgument, "Unsupported language: " + printable(asked) +
                                              "; programs that call tools are in python or bash")
        .with_field({"lang", "must be python or bash", "value"});
  }
  canonical = known->name;
  return *found;
}

ToolResult result(Json& item, const std::string& where) {
  if (!item.is_object()) {
    wrong(where, "an object with call_id and result", Code::kUnprocessable);
  }
  ToolResult found;
  found.id = text_or_nothing(item, "call_id");
  if (found.id.empty()) {
    wrong(where + ".call_id", "the id of a call, a string", Code::kUnprocessable);
  }
  const Json* failed = item.find("is_error");
  found.failed = failed != nullptr && failed->is_bool() && failed->boolean();
  if (found.failed) {
    found.message = text_or_nothing(item, "error_message");
    if (found.message.empty()) found.message = "the tool failed, and did not say why";
  } else {
    for (auto& [key, value] : item.members()) {
      if (key == "result") found.result = std::move(value);
    }
  }
  return found;
}

}  // namespace

std::optional<ToolAnswers> parse_tool_answers(Json& body) {
  const Json* token = body.find("continuation_token");
  if (token == nullptr || token->is_null()) return std::nullopt;
  if (!token->is_string()) wrong("continuation_token", "a string", Code::kUnprocessable);
  if (token->string().empty()) return std::nullopt;
  const Json* list = body.find("tool_results");
  if (list == nullptr || !list->is_array() || list->items().size() > ToolTalk::kMostCalls) {
    wrong("tool_results", "an array with one entry for each call that was asked for",
          Code::kUnprocessable);
  }
  ToolAnswers answers{token->string(), {}};
  Json results;
  for (auto& [key, value] : body.members()) {
    if (key == "tool_results") results = std::move(value);
  }
  for (Json& item : results.items()) {
    answers.results.push_back(
        result(item, "tool_results[" + std::to_string(answers.results.size()) + "]"));
  }
  return answers;
}

ToolCommand parse_tool_command(Json body, const Config& config) {
  if (!body.is_object()) {
    throw Failure(Code::kUnprocessable,
                  std::string("the body must be an object, it is ") + body.kind());
  }
  std::string canonical;
  const ToolLanguage language = language_of(body, config, canonical);
  std::vector<Tool> all = tools(body, language);
  body.set("lang", canonical);
  ToolCommand found{parse_exec_command(body, config), language, std::move(all)};
  found.command.standard_input.clear();  // that is where the results come
  return found;
}

std::string request_id_or_nothing(std::string_view text) {
  const bool plain =
      !text.empty() && text.size() <= kMostRequestId &&
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  return plain ? std::string(text) : std::string();
}

}  // namespace podium
