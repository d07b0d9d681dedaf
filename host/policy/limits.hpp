#pragma once
#include <optional>

#include "config/config.hpp"

namespace podium {

/// The limits of one run: the language's, with the wall time a request asked for clamped to it.
Limits merge_limits(const LanguageConfig& language, std::optional<milliseconds> requested_wall);

/// Whether a program may have this variable from a request: not a name that changes how loaders
/// work (LD_*, GLIBC_TUNABLES, …), a legal name, no NUL.
bool allowed_environment_name(std::string_view name) noexcept;

}  // namespace podium
