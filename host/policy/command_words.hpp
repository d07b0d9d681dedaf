#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace podium {

/// What a language's table says for one program: its words in braces replaced by what they stand
/// for here. Those that only a runtime knows, {source} and {folder}, are left to it.
struct ProgramWords {
  std::string source;
  std::vector<std::string> compile, command;
};

/// {memory}: the run's limit in bytes; {public_class}, {main_class}: see java_classes(). The code
/// is read only when one of the latter occurs.
ProgramWords program_words(const LanguageConfig& language, std::string_view code,
                           const Limits& limits);

}  // namespace podium
