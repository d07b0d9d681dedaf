#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "confine.hpp"
#include "zygote.hpp"

namespace podium::sandbox {

/// The zygotes of all runtimes, as the spawner keeps them: template interpreters that fork pods
/// into shells. Single-threaded.
class ZygoteHost {
 public:
  /// Starts one in a mount namespace of its own; script and module are borrowed. On success 0 and
  /// *socket is the runtime's end of the zygote's socket; otherwise errno and *step.
  int start(int connection, const NewZygote& request, int script, int module,
            const SeccompProgram& seccomp, int* socket, const char** step);

  /// Orders a fork into a shell. False when that zygote is not there.
  bool fork(int connection, std::uint32_t id, const ZygoteFork& fork);

  /// Ends one; nothing when it is not there.
  void kill(int connection, std::uint32_t id);
  /// A child of the spawner was reaped.
  void reaped(pid_t pid);
  /// A runtime left: its zygotes end.
  void drop_connection(int connection);

 private:
  struct Zygote {
    pid_t pid = -1;
    int orders = -1;
  };
  std::map<std::pair<int, std::uint32_t>, Zygote> zygotes_;
};

}  // namespace podium::sandbox
