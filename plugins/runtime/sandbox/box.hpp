#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "protocol.hpp"

namespace podium::sandbox {

/// Everything that a run may write, as its pid 1 sees it: one tmpfs at /mnt, whose size workspace,
/// code, /tmp and /dev/shm share. For pid 1 only, in its own mount namespace; allocates nothing.
/// What can fail returns nullptr, or the words for what failed, with errno as it was.
class Box {
 public:
  /// Mounts it, and covers the runs of others. `user`: whose the workspace and the code are.
  const char* make(const ShellLimits& limits, uid_t user) noexcept;

  /// Puts the script of an interpreter that is executed ahead where it expects it: root's, so that
  /// the program cannot change what its threads may read again. `payload`: a descriptor of it.
  const char* place_ahead_script(int payload) noexcept;

  const char* resize(const ShellLimits& limits) noexcept;

  /// Mounts the inputs of the run of that name below the workspace; what the program changes goes
  /// above: exactly that is in changes(). `own_user`: in a user namespace of its own.
  const char* mount_inputs(std::string_view run, bool own_user) noexcept;

  /// Nothing of other runs can be reached any more.
  void forget_runs() noexcept;

  /// No more bytes or files fit in.
  bool full() const noexcept;

  int changes() const noexcept { return changes_; }  ///< the folder of what the run changed
  int merged() const noexcept { return merged_; }    ///< with its inputs; -1: it has none

 private:
  int runs_ = -1;  ///< the folder with the inputs of every run
  int changes_ = -1, merged_ = -1;
};

}  // namespace podium::sandbox
