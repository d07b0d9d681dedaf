#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace podium {

/// Replaces values of a whole configuration by those of the environment, each typed like what it
/// replaces: PODIUM__LIMITS__WALL=10s, PODIUM__LANGUAGES__PY__ALIASES=python,python3. Two
/// underscores part the names, which are compared without case; a character of a name that a
/// variable cannot have is an underscore. What was applied goes to `applied`. Throws
/// Failure(kInvalidArgument) that names the variable, and the nearest known name for one that is
/// unknown.
void apply_overrides(Json& document, const ConfigEnvironment& environment,
                     std::vector<Override>& applied);

/// Where a value that an error message "/path/of/key: …" complains of came from: the variable that
/// set it, or else `origin`.
std::string origin_of(std::string_view message, const std::vector<Override>& applied,
                      const std::string& origin);

/// Whether a value may be a secret in spite of the rule that these are given by reference: options
/// of plugins and variables of programs.
bool is_private_key(std::string_view pointer) noexcept;

}  // namespace podium
