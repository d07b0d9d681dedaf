#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "config/config.hpp"
#include "exec/command.hpp"

namespace podium {

/// The body of POST /exec as a command, checked in form (http-api.md). Fields that are null count
/// as absent, unknown ones are ignored. Throws Failure: kUnprocessable for a missing field or a
/// wrong type, kInvalidArgument for empty code, an unknown language, a bad time-out.
ExecCommand parse_exec_command(const Json& body, const Config& config);

/// The key of client generation B, taken out of the body so that nothing can log it.
std::optional<std::string> take_body_key(Json& body);

/// Splits words as a shell does: blanks, quotes and backslashes; nothing is expanded. Throws
/// Failure(kInvalidArgument) for a quote that does not end.
std::vector<std::string> split_shell_words(std::string_view text);

/// Whether `text` is 1 to 40 of [A-Za-z0-9_-].
bool is_entity_id(std::string_view text) noexcept;

}  // namespace podium
