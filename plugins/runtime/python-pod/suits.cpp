#include "suits.hpp"

#include <algorithm>
#include <array>

namespace podium::python_pod {
namespace {

/// Those that a pod obeys when the run comes; see begin() in zygote.py.
constexpr std::array<std::string_view, 4> kObeyed{"PYTHONPATH", "PYTHONUNBUFFERED",
                                                  "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP"};

/// Read once by the loader, libc or a library, when a process starts.
constexpr std::array<std::string_view, 7> kReadAtStart{
    "PYTHON", "LD_", "MALLOC_", "GLIBC_TUNABLES", "LC_", "MATPLOTLIBRC", "MPLCONFIGDIR"};

bool needs_new_process(std::string_view name, std::string_view value) {
  if (std::ranges::find(kObeyed, name) != kObeyed.end()) return false;
  if (name == "LANG" || name == "LC_ALL" || name == "LC_CTYPE") return value != "C.UTF-8";
  if (name == "MPLBACKEND") return value != "Agg" && value != "agg";
  return std::ranges::any_of(kReadAtStart,
                             [&](std::string_view start) { return name.starts_with(start); });
}

}  // namespace

std::optional<std::string> why_unsuited(const sdk::RunView& run, std::string_view interpreter) {
  if (!run.compile().empty()) return "it has a compile step";
  const auto command = run.command();
  if (command.size() != 2 || command[0] != interpreter || command[1] != "{source}") {
    return "its command line is not \"" + std::string(interpreter) + " {source}\"";
  }
  for (const auto variable : run.environment()) {
    const auto equals = std::min(variable.size(), variable.find('='));
    const std::string_view name = variable.substr(0, equals);
    const std::string_view value = variable.substr(std::min(variable.size(), equals + 1));
    if (needs_new_process(name, value)) {
      return "its environment sets " + std::string(name) +
             ", which an interpreter obeys only when it starts";
    }
  }
  return std::nullopt;
}

}  // namespace podium::python_pod
