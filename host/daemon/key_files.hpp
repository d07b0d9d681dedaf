#pragma once
#include <filesystem>

#include "config/config.hpp"
#include "obs/log.hpp"
#include "policy/auth.hpp"

namespace podium {

/// The keys of a configuration's file, with the administrator's; makes the first of each when its
/// file is not there. Throws Failure.
KeyRing load_keys(const Config& config, Log& log);

/// The path of the keys of tokens; empty: none are taken.
std::filesystem::path token_keys(const Config& config);

}  // namespace podium
