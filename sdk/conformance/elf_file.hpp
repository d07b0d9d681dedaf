#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace podium::conform {

/// What a shared library says of itself, read without loading it.
struct ElfFile {
  std::vector<std::string> exported;  ///< symbols that it defines for others
  std::vector<std::string> needed;    ///< libraries that it wants loaded with it
  bool executable_stack = false;
};

/// Throws Broken: no shared library of this machine.
ElfFile read_elf(const std::filesystem::path& file);

}  // namespace podium::conform
