#pragma once
#include <podium/abi.h>

#include <filesystem>

namespace podium {

/// Checks that the file may be trusted with the daemon's rights; returns its canonical path.
/// Throws Failure(kInvalidArgument) with a remedy.
std::filesystem::path check_file(const std::filesystem::path& file);

/// Checks version, sizes and strings of what a library exports, before any code of it is called.
/// `exported` is how many bytes the symbol has in the library. Throws Failure.
void check_plugin(const podium_plugin& plugin, std::size_t exported);

/// Checks that a table can be used: sizes, names unique and in snake_case, known types, a sentence
/// each. Throws Failure.
void check_option_table(const podium_option_table& table);

}  // namespace podium
