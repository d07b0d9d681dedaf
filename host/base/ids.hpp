#pragma once
#include <string>
#include <string_view>

namespace podium {

/// A new unguessable id: 21 characters of [A-Za-z0-9_-], first and last alphanumeric (more than
/// 120 bits from getrandom(2)). Used for sessions, files, runs and requests. Any thread.
std::string new_id();

/// Whether `text` has the form of an id of ours.
bool is_id(std::string_view text) noexcept;

/// A new API key: "sk-" and 32 URL-safe characters.
std::string new_api_key();

/// Whether two strings are equal, in a time that depends only on their lengths.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace podium
