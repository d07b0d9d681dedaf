#pragma once
#include <string>

#include "config/config.hpp"

namespace podium {

/// Why no program of this language can be started in a sandbox of this machine: a program of its
/// command lines is missing, or lies where the sandbox does not show it. Empty when it can. Looks
/// at the file system; any thread.
std::string why_unusable(const LanguageConfig& language, const Config& config);

}  // namespace podium
