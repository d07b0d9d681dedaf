#pragma once
#include <podium/sdk/values.hpp>

#include <cerrno>
#include <string>

namespace podium::local {

using sdk::Descriptor;
using sdk::Error;

/// The failure of a system call: "<doing> <path>: <reason of `error`>". A full disk, quota, memory
/// or descriptor table is PODIUM_RESOURCE_EXHAUSTED, everything else PODIUM_UNAVAILABLE.
Error system_error(const std::string& doing, const std::string& path, int error = errno);

}  // namespace podium::local
