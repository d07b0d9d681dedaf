/// What the file says before any code of it runs.

#include <algorithm>

#include "../elf_file.hpp"
#include "../plugin.hpp"

namespace podium::conform {
namespace {

void is_a_library(Context& context) { read_elf(context.settings.library); }

void exports_one_symbol(Context& context) {
  std::vector<std::string> exported = read_elf(context.settings.library).exported;
  std::erase(exported, PODIUM_PLUGIN_SYMBOL);
  if (exported.empty()) return;
  std::sort(exported.begin(), exported.end());
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(exported.size(), 5); ++i)
    names += " " + exported[i];
  throw Broken("it exports " + std::to_string(exported.size()) + " other symbols too:" + names,
               "only " PODIUM_PLUGIN_SYMBOL
               "; link with the version script podium_plugin.map, as "
               "podium_add_plugin does");
}

void has_no_executable_stack(Context& context) {
  if (read_elf(context.settings.library).executable_stack) {
    throw Broken("it asks for an executable stack, and would make the daemon's so",
                 "-z noexecstack; assembler files want .section .note.GNU-stack");
  }
}

void loads(Context& context) { const Library library(context.settings.library); }

}  // namespace

std::vector<Case> file_cases() {
  return {
      {"file/is_a_library", "a plugin is a shared library of this machine", Kind::kAny, true,
       is_a_library},
      {"file/one_symbol", "a plugin exports " PODIUM_PLUGIN_SYMBOL " and nothing else", Kind::kAny,
       false, exports_one_symbol},
      {"file/no_executable_stack", "a plugin needs no executable stack", Kind::kAny, false,
       has_no_executable_stack},
      {"file/loads", "everything that a plugin needs is found when it is loaded", Kind::kAny, true,
       loads},
  };
}

}  // namespace podium::conform
