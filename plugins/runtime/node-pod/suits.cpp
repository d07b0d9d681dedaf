#include "suits.hpp"

#include <algorithm>
#include <array>

#include "protocol.hpp"

namespace podium::node_pod {
namespace {

/// A node that waits holds about 45 MiB and a dozen threads already.
constexpr std::uint64_t kLeastMemory = 128u << 20;
constexpr std::uint64_t kLeastProcesses = 32;

/// Those that start.cjs or node itself obeys when the run comes.
constexpr std::array<std::string_view, 5> kObeyed{"NODE_PATH", "NODE_ENV", "NODE_DISABLE_COLORS",
                                                  "NODE_NO_READLINE", "NODE_REPL_HISTORY"};

/// Read once by the loader, libc, node or a library, when a process starts.
constexpr std::array<std::string_view, 9> kReadAtStart{
    "NODE_", "LD_", "MALLOC_", "GLIBC_TUNABLES", "LC_", "UV_", "OPENSSL_", "SSL_", "ICU_"};

bool needs_new_process(std::string_view name, std::string_view value) {
  if (std::ranges::find(kObeyed, name) != kObeyed.end()) return false;
  if (name == "LANG" || name == "LC_ALL" || name == "LC_CTYPE") return value != "C.UTF-8";
  return std::ranges::any_of(kReadAtStart,
                             [&](std::string_view start) { return name.starts_with(start); });
}

/// As PayloadWriter counts, so that the run travels in one packet.
std::size_t payload_size(const sdk::RunView& run) {
  std::size_t size = run.code().size() + run.source_name().size();
  for (const auto& text : run.arguments()) size += text.size() + sizeof(std::uint32_t);
  for (const auto& text : run.environment()) size += text.size() + sizeof(std::uint32_t);
  return size + 1024;  // counts, the command line, the variables that every program has
}

}  // namespace

std::optional<std::string> why_unsuited(const sdk::RunView& run, std::string_view interpreter) {
  if (!run.compile().empty()) return "it has a compile step";
  const auto command = run.command();
  if (command.size() != 2 || command[0] != interpreter || command[1] != "{source}") {
    return "its command line is not \"" + std::string(interpreter) + " {source}\"";
  }
  if (run.source_name() != "main.js") return "its source is not main.js";
  if (payload_size(run) > sandbox::kInlinePayload) return "its code and arguments are too long";
  if (run.limits().memory_bytes < kLeastMemory) return "its memory limit is below 128 MiB";
  if (run.limits().processes < kLeastProcesses) return "its limit of processes is below 32";
  for (const auto variable : run.environment()) {
    const auto equals = std::min(variable.size(), variable.find('='));
    const std::string_view name = variable.substr(0, equals);
    const std::string_view value = variable.substr(std::min(variable.size(), equals + 1));
    if (needs_new_process(name, value)) {
      return "its environment sets " + std::string(name) + ", which node obeys only when it starts";
    }
  }
  return std::nullopt;
}

}  // namespace podium::node_pod
