#pragma once
/// What takes root's place where there is none (decision 38): user namespaces in which nobody but
/// the caller's own account exists.

#include <sys/types.h>

namespace podium::sandbox {

/// Whether this process makes sandboxes without root: it is, and stays, an ordinary user.
bool is_unprivileged() noexcept;

/// Gives the calling process, the first in a new user namespace, its identity there: its own uid,
/// and its own group under the same number. `proc` is a directory of /proc. 0 or errno.
int map_own_identity(int proc, uid_t uid, gid_t gid) noexcept;

/// Becomes the first process of a user and a pid namespace of its own; whoever called waits
/// for its end, passes its exit status on, and does not return. When that one is killed, everything
/// in the namespace is. Throws std::runtime_error with the remedy when the kernel forbids it.
void enter_user_namespace();

/// Lets capabilities outlive an execve, which an ordinary user's would not: for a zygote, which
/// enters sandboxes. 0 or errno.
int keep_capabilities_over_exec() noexcept;

}  // namespace podium::sandbox
