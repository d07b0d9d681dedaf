#include "config/usable.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace podium {
namespace {

namespace fs = std::filesystem;

bool lies_below(const fs::path& file, const fs::path& folder) {
  const auto [end, at] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end();
}

std::string why_not_started(const std::string& program, const Config& config) {
  if (program.empty() || program[0] != '/') return {};  // made by the compile step
  std::error_code error;
  const fs::path real = fs::canonical(program, error);
  if (error) return program + " is not there";
  if (::access(real.c_str(), X_OK) != 0) return program + " is not executable";
  std::vector<std::string> shown = config.shown_paths();
  shown.insert(shown.end(), {"/usr", "/bin", "/lib", "/lib64"});
  const bool inside = std::any_of(shown.begin(), shown.end(), [&](const std::string& folder) {
    return lies_below(real, folder);
  });
  return inside ? ""
                : real.string() +
                      " is outside of what sandboxes show: /usr, the language's "
                      "\"paths\" and \"sandbox\".\"read_only_paths\"";
}

}  // namespace

std::string why_unusable(const LanguageConfig& language, const Config& config) {
  for (const auto* command : {&language.compile, &language.command}) {
    if (command->empty()) continue;
    if (std::string why = why_not_started(command->front(), config); !why.empty()) return why;
  }
  return {};
}

}  // namespace podium
