#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// What a program may ask its client to do for it.
struct Tool {
  std::string name;
  std::string description;
  std::vector<std::string> parameters;  ///< in the order of arguments without a name
};

/// The languages whose programs can call tools.
enum class ToolLanguage { kPython, kBash };

/// Of a language of the config; nothing when its programs cannot.
std::optional<ToolLanguage> tool_language(std::string_view canonical) noexcept;

/// The name that a tool has as a function of that language, as clients compute it too; empty when
/// nothing is left of it.
std::string function_name(ToolLanguage language, std::string_view tool);

/// The source that is run in place of `code`: functions for the tools, then the code, whose errors
/// name its own lines. `secret` marks what is meant for the host; see ToolFrames.
std::string program_with_tools(ToolLanguage language, const std::string& code,
                               const std::vector<Tool>& tools, const std::string& secret);

/// The texts that do so, from exec/tools.
std::string_view python_with_tools_text() noexcept;
std::string_view bash_with_tools_text() noexcept;

}  // namespace podium
