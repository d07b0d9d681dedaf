#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace podium {

/// What a child process came to.
struct ChildOutcome {
  std::string output;  ///< both streams, cut
  int status = -1;     ///< as from waitpid
};

/// Runs a program with this process's environment until it ends. Throws Failure(kDeadlineExceeded)
/// when it had to be killed after `limit`, kInternal when it could not be started.
ChildOutcome run_child(const std::vector<std::string>& words, std::chrono::milliseconds limit);

/// Opens every library and checks every option of the config file in a child, so that what crashes
/// or hangs there does it in the child. An empty file stands for the built-in defaults. Throws
/// Failure that says why.
void preflight(const std::filesystem::path& podiumd, const std::filesystem::path& config,
               std::chrono::milliseconds limit);

}  // namespace podium
