#pragma once
#include <string>
#include <string_view>

#include "cli/exec.hpp"
#include "config/config.hpp"

namespace podium::cli {

/// `podium languages`: what the configuration can run, with versions, and why what cannot. Always
/// 0.
int run_languages(const CommandLine& line, Console& console);

/// The first version number in what a program prints, like "12.2.0" or "1.19"; else its first line.
std::string version_in(std::string_view printed);

/// Whether dpkg's status file says that a package is installed.
bool is_installed(std::string_view dpkg_status, const std::string& package);

/// A file of the machine; empty when it cannot be read.
std::string read_whole(const char* file);

/// The configuration that the command line names, or the built-in defaults.
Config configuration_of(const CommandLine& line);

}  // namespace podium::cli
