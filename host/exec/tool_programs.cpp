#include "exec/tool_programs.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"

namespace podium {
namespace {

constexpr std::array<std::string_view, 35> kPythonKeywords{
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};

// Words that a function must not be named after: the shell's own, and what scripts cannot do
// without.
constexpr std::array<std::string_view, 51> kBashWords{
    "if",    "then",  "else",     "elif",   "fi",      "case",     "esac",  "for",     "select",
    "while", "until", "do",       "done",   "in",      "function", "time",  "coproc",  "return",
    "exit",  "break", "continue", "shift",  "export",  "readonly", "local", "declare", "typeset",
    "unset", "alias", "unalias",  "source", "echo",    "printf",   "read",  "cd",      "pwd",
    "kill",  "trap",  "wait",     "eval",   "exec",    "jobs",     "bg",    "fg",      "set",
    "let",   "test",  "true",     "false",  "command", "builtin"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// The modules that lines of the code import, for a runtime that looks at imports to choose what it
/// has ready. A guess: what it misses costs time and nothing else.
std::string imports_of(std::string_view code) {
  std::string modules;
  while (!code.empty()) {
    const std::size_t end = std::min(code.find('\n'), code.size());
    std::string_view line = code.substr(0, end);
    code.remove_prefix(std::min(end + 1, code.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with("from ")) {
      line = line.substr(5, line.find(' ', 5) - 5);
    } else if (line.starts_with("import ")) {
      line.remove_prefix(7);
    } else {
      continue;
    }
    for (std::size_t at = 0; at < line.size();) {
      std::size_t stop = at;
      while (stop < line.size() && is_word(line[stop])) ++stop;
      const std::string_view name = line.substr(at, stop - at);
      if (!name.empty() && !is_digit(name.front()) && !among(kPythonKeywords, name)) {
        modules += (modules.empty() ? "" : ", ") + std::string(name);
      }
      at = std::min(line.find(',', stop), line.size());
      at = std::min(line.find_first_not_of(", ", at), line.size());
    }
  }
  return modules;
}

std::string python_program(const std::string& code, const std::vector<Tool>& tools,
                           const std::string& secret) {
  Json list = Json::array();
  for (const Tool& tool : tools) {
    Json parameters = Json::array();
    for (const std::string& name : tool.parameters) parameters.push(name);
    list.push(Json::object({{"function", function_name(ToolLanguage::kPython, tool.name)},
                            {"description", tool.description},
                            {"parameters", std::move(parameters)}}));
  }
  const Json given = Json::object({{"secret", secret}, {"code", code}, {"tools", std::move(list)}});
  const std::string modules = imports_of(code);
  std::string program = modules.empty() ? "" : "if 0: import " + modules + "\n";
  // A JSON string is a string of Python too.
  program += "import json\nexec(compile(" + json_quote(python_with_tools_text()) +
             ", \"<tools>\", \"exec\"), {\"__name__\": \"tools\", \"TOOLS\": json.loads(" +
             json_quote(json_dump(given)) + ")})\n";
  return program;
}

std::string single_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string bash_program(const std::string& code, const std::vector<Tool>& tools,
                         const std::string& secret) {
  std::string program = "podium_secret=" + secret + "\n" + std::string(bash_with_tools_text());
  for (std::size_t number = 0; number < tools.size(); ++number) {
    const std::string& name = tools[number].name;
    program += function_name(ToolLanguage::kBash, name) + "() { podium_call " +
               std::to_string(number) + " " + single_quoted(name) + " \"$@\"; }\n";
  }
  const std::string end = "END_" + secret;
  return program + ". /dev/fd/9 9<<'" + end + "'\n" + code + (code.ends_with('\n') ? "" : "\n") +
         end + "\n";
}

}  // namespace

std::optional<ToolLanguage> tool_language(std::string_view canonical) noexcept {
  if (canonical == "py") return ToolLanguage::kPython;
  if (canonical == "bash") return ToolLanguage::kBash;
  return std::nullopt;
}

std::string function_name(ToolLanguage language, std::string_view tool) {
  const bool bash = language == ToolLanguage::kBash;
  std::string name;
  for (const char c : tool) {
    if (c == '-' || c == ' ' || (c >= '\t' && c <= '\r') || (bash && c == '.')) {
      name += '_';
    } else if (is_word(c)) {
      name += c;
    }
  }
  if (!name.empty() && is_digit(name.front())) name.insert(0, "_");
  const bool taken =
      bash ? among(kBashWords, name) || name.starts_with("podium_") : among(kPythonKeywords, name);
  return taken ? name + "_tool" : name;
}

std::string program_with_tools(ToolLanguage language, const std::string& code,
                               const std::vector<Tool>& tools, const std::string& secret) {
  return language == ToolLanguage::kPython ? python_program(code, tools, secret)
                                           : bash_program(code, tools, secret);
}

}  // namespace podium
