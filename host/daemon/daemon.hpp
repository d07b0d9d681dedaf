#pragma once
#include <filesystem>
#include <memory>

#include "daemon/reload.hpp"
#include "daemon/supervisor.hpp"

namespace podium {

/// What the process was started with.
struct DaemonOptions {
  ConfigSource source;
  std::filesystem::path program;      ///< this executable
  std::filesystem::path libexec_dir;  ///< where podium-spawner is
};

/// The signals the daemon waits for; block them before any thread exists.
void block_signals() noexcept;

/// The whole life of the daemon after it has dropped its privileges: birth and death in order.
/// Returns the exit code. Main thread; throws Failure when it cannot start.
int run_daemon(const DaemonOptions& options, Config config, SandboxDoor door, Log& log);

}  // namespace podium
