#pragma once
#include <filesystem>

namespace podium {

/// Checks that a file can be a shared library of this machine before the dynamic loader maps it:
/// the loader trusts the headers, and touching a segment beyond the end of a cut-off file kills the
/// process (SIGBUS). Throws Failure(kInvalidArgument) that says what is wrong with the file.
void check_elf(const std::filesystem::path& file);

}  // namespace podium
