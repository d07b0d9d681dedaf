#pragma once
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "cgroup.hpp"
#include "confine.hpp"
#include "protocol.hpp"

namespace podium::sandbox {

/// What pid 1 of a new sandbox is given. All descriptors are its own.
struct ShellSetup {
  std::uint64_t nonce = 0;
  ShellLimits limits;
  uid_t user_uid = 0;  ///< user code runs as this
  uid_t init_uid = 0;  ///< pid 1 does, from the run on: no signal of user code reaches it. The
                       ///< same where there is no root: then in a user namespace of its own
  gid_t gid = 0;       ///< of the account that stands for it outside, when there is no root
  int proc = -1;       ///< then: the spawner's /proc, to map it
  CgroupFiles cgroup;
  int control = -1;      ///< to the runtime in the daemon
  int step = -1;         ///< to the process that waits
  int runner_step = -1;  ///< the other end; -1 for a pod, whose zygote has it
  int ahead = -1;        ///< AheadPayload, when an interpreter is to wait and not a runner
  int input_write = -1, output_read = -1, error_read = -1;   ///< go to the runtime with kReady
  int input_read = -1, output_write = -1, error_write = -1;  ///< the runner's; -1 for a pod
  const SeccompProgram* seccomp = nullptr;
};

/// Life of pid 1, in namespaces of its own: builds the private mounts, makes the process that
/// waits (or takes the pod that a zygote forks), gives it the run, watches limits, kills the whole
/// tree at the end, tells how it ended. Never returns.
[[noreturn]] void init_main(const ShellSetup& setup) noexcept;

/// Life of the process that waits in a job's shell: confines itself, gets the run, becomes it.
struct RunnerSetup {
  uid_t uid = 0;
  CgroupFiles cgroup;
  bool joined = false;  ///< already in its group, by CLONE_INTO_CGROUP
  int step = -1;
  int ahead = -1;  ///< becomes this interpreter at once, see ahead.hpp
  int input = -1, output = -1, error = -1;
  const SeccompProgram* seccomp = nullptr;
};
[[noreturn]] void runner_main(const RunnerSetup& setup) noexcept;

/// Closes every descriptor from 0 on but those of `keep` (negative ones are ignored).
/// Async-signal-safe.
void close_all_except(std::span<const int> keep) noexcept;

/// fork that puts the child into the v2 group at once, when there is one (clone3(2)).
pid_t fork_into(const CgroupFiles& cgroup) noexcept;

}  // namespace podium::sandbox
