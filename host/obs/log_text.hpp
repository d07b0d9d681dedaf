#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace podium {

/// Appends `text` so that it stays on its line and shows as itself on a terminal: control
/// characters, line and paragraph separators and marks that turn the direction of writing become
/// \uXXXX (or \n, \t, …), ill-formed UTF-8 becomes U+FFFD, and what is longer than `longest` bytes
/// is cut with "…". With `quoted` it is a JSON string literal, quotes included.
void append_log_text(std::string& out, std::string_view text, std::size_t longest, bool quoted);

/// Appends a value of the text format: bare when it has no character that could be taken for the
/// format's own, otherwise quoted.
void append_log_value(std::string& out, const Json& value, std::size_t longest);

/// Appends a value of the JSON format.
void append_log_json(std::string& out, const Json& value, std::size_t longest);

}  // namespace podium
