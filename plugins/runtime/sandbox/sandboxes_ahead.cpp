// Sandboxes, fourth part: interpreters that are executed ahead of their run.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "payload.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {

std::shared_ptr<const sdk::Descriptor> describe_ahead(std::string_view name,
                                                      std::string_view script,
                                                      const std::vector<std::string>& command,
                                                      const std::vector<std::string>& environment) {
  PayloadWriter writer;
  writer.string(name);
  writer.string(script);
  writer.list(command);
  writer.list(environment);
  const std::string& bytes = writer.bytes();
  auto memory = std::make_shared<const sdk::Descriptor>(
      ::memfd_create("podium-ahead", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool written =
      memory->get() >= 0 &&
      ::write(memory->get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      ::fcntl(memory->get(), F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
  if (!written) {
    throw sdk::Error(PODIUM_UNAVAILABLE, "memory for " + std::string(name) + ": " +
                                             std::generic_category().message(errno));
  }
  return memory;
}

/// Leaves the pool out when its interpreter is not installed; look_at_packages takes it in again.
bool Sandboxes::can_execute_ahead(Pool& pool) {
  const std::string& interpreter = pool.options.ahead.interpreter;
  if (interpreter.empty() || ::access(interpreter.c_str(), X_OK) == 0) return true;
  host_.warning("pool " + pool.options.tier + " is left out: " + interpreter + ": " +
                std::generic_category().message(errno) +
                "; it is taken in again when that is installed");
  pool.left_out = true;
  pool.left_out_packages = pool.packages;
  return false;
}

/// What waits in an interpreter that has been replaced since is not used any more.
void Sandboxes::drop_outdated(Pool& pool, Doomed& doomed) {
  const std::size_t removed = std::erase_if(pool.ready, [&](const std::shared_ptr<Shell>& shell) {
    if (shell->packages == pool.packages) return false;
    shell->state = Shell::State::kDead;
    shells_.erase(shell->id);
    doomed.push_back(shell);
    return true;
  });
  if (removed > 0) ++pool.counts.recycles;
}

}  // namespace podium::sandbox
