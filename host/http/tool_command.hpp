#pragma once
#include <optional>
#include <string>
#include <vector>

#include "exec/tool_talk.hpp"
#include "http/exec_command.hpp"

namespace podium {

/// A program and the tools that it may call.
struct ToolCommand {
  ExecCommand command;  ///< without its talk
  ToolLanguage language;
  std::vector<Tool> tools;
};

/// What came of the calls that a program waits for.
struct ToolAnswers {
  std::string token;
  std::vector<ToolResult> results;
};

/// The body of POST /exec/programmatic when it goes on with a program; nothing when it begins one.
/// The results are moved out of it. Throws Failure that names the field.
std::optional<ToolAnswers> parse_tool_answers(Json& body);

/// The same when it begins one.
ToolCommand parse_tool_command(Json body, const Config& config);

/// The id of a request that is to be cancelled, or may be: at most 128 of printable ASCII. Empty
/// when it is none.
std::string request_id_or_nothing(std::string_view text);

}  // namespace podium
