#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/json.hpp"

namespace podium {

/// How podium-spawner is to be started.
struct SpawnerCommand {
  std::filesystem::path program;
  std::filesystem::path runs_dir;
  std::uint32_t uid_base = 0;
  std::vector<std::string> read_only_paths;
};

/// Forks a tiny supervisor, with the caller's rights, that starts the spawner and starts it again
/// whenever it dies. Both end when the returned control socket closes; signals to the daemon's
/// process group do not reach them. Call before any thread exists. Throws Failure.
UniqueFd start_supervisor(const SpawnerCommand& command);

/// The daemon's end of the way to the spawner, after the drop of privileges. Any thread.
class SandboxDoor {
 public:
  explicit SandboxDoor(UniqueFd control) : control_(std::move(control)) {}

  /// A new connection to the spawner that lives now or comes next. Throws Failure(kUnavailable).
  UniqueFd connect() const;

  /// What the spawner found on this host: {"cgroup":"v1","unenforced":[…],…}. Waits for up to 10 s
  /// for it to come up. Throws Failure(kUnavailable).
  Json facts() const;

 private:
  UniqueFd control_;
};

}  // namespace podium
