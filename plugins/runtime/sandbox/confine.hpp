#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "cgroup.hpp"

struct sock_filter;

namespace podium::sandbox {

/// A seccomp program, compiled once by libseccomp and installed by every process.
class SeccompProgram {
 public:
  /// Throws std::runtime_error.
  static SeccompProgram build();
  /// Adopts a program made elsewhere (an open file of sock_filter), as a zygote gets it.
  static SeccompProgram load(int fd);
  /// Writes it for load.
  bool save(int fd) const;
  /// Async-signal-safe. Needs no_new_privs. 0 or errno.
  int install() const noexcept;

 private:
  std::vector<std::uint64_t> code_;  // struct sock_filter, 8 bytes each
};

/// Turns the calling process for good into one that may run user code: joins the groups, enters a
/// cgroup namespace, drops the bounding set, identity and capabilities, no_new_privs, Landlock,
/// seccomp. Async-signal-safe; single-threaded process. 0 or the errno, with *step naming where.
int confine(const CgroupFiles& cgroup, bool joined, uid_t uid, const SeccompProgram& seccomp,
            const char** step) noexcept;

/// The Landlock ABI version of the kernel, 0 when there is none.
int landlock_version() noexcept;

/// Drops every capability of the bounding set except those of `keep` (bit mask).
int drop_bounding_set(std::uint64_t keep) noexcept;

/// Becomes `uid` and keeps of all capabilities only `keep`; sets no_new_privs and makes the
/// process undumpable. 0 or errno.
int become(uid_t uid, std::uint64_t keep) noexcept;

/// The same in two steps: what takes no right away that a mount needs, and the rest.
int prepare_to_become(uid_t uid, std::uint64_t keep) noexcept;
int become_prepared(uid_t uid, std::uint64_t keep) noexcept;

}  // namespace podium::sandbox
