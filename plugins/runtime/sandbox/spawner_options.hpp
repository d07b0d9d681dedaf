#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace podium::sandbox {

/// The command line of podium-spawner:
/// --control=FD --runs=DIR [--uid-base=N] [--descriptors=N] [--show=PATH]...
struct SpawnerOptions {
  int control = -1;
  std::string runs;
  uid_t uid_base = 300'000;
  std::uint64_t descriptors = 65'536;
  std::vector<std::string> extra_paths;
  char** words = nullptr;  ///< the command line itself, ends in nullptr
};

/// Throws std::runtime_error that names the argument.
SpawnerOptions read_spawner_options(int argc, char** argv);

}  // namespace podium::sandbox
