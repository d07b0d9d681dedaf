#include "confine.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace podium::sandbox {
namespace {

/// v1: one write a hierarchy; "0" is the writer itself.
int join_groups(const CgroupFiles& cgroup) noexcept {
  for (const int tasks : cgroup.tasks) {
    if (tasks >= 0 && ::write(tasks, "0", 1) != 1) return errno;
  }
  return 0;
}

constexpr std::uint64_t kReadOnly =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kAbi1 =
    kReadOnly | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t kRefer = 1ull << 13;     // ABI 2
constexpr std::uint64_t kTruncate = 1ull << 14;  // ABI 3

bool allow_beneath(int ruleset, const char* path, std::uint64_t access) noexcept {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = fd;
  const bool ok =
      ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  ::close(fd);
  return ok;
}

/// Everything may be read and executed, only the sandbox's own tmpfs and a few devices written.
/// "/mnt" and not "/mnt/data": an overlay that is mounted there later is found through its parent.
int restrict_files() noexcept {
  const int version = landlock_version();
  if (version <= 0) return 0;  // said by the facts; the read-only root holds without it
  std::uint64_t all = kAbi1;
  if (version >= 2) all |= kRefer;
  if (version >= 3) all |= kTruncate;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = all;
  const auto ruleset =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (ruleset < 0) return errno;
  const std::uint64_t device = kReadOnly | LANDLOCK_ACCESS_FS_WRITE_FILE | (all & kTruncate);
  const bool ok = allow_beneath(ruleset, "/", kReadOnly) && allow_beneath(ruleset, "/mnt", all) &&
                  allow_beneath(ruleset, "/tmp", all) && allow_beneath(ruleset, "/dev/shm", all) &&
                  allow_beneath(ruleset, "/dev", device);
  const int error = ok && ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
  ::close(ruleset);
  return error;
}

int set_capabilities(std::uint64_t keep) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (unsigned i = 0; i < 2; ++i) {
    data[i].effective = data[i].permitted = static_cast<std::uint32_t>(keep >> (32 * i));
  }
  return ::syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

}  // namespace

int landlock_version() noexcept {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

int drop_bounding_set(std::uint64_t keep) noexcept {
  for (int cap = 0; cap < 64; ++cap) {
    if ((keep >> cap) & 1u) continue;
    const int present = ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (present < 0) break;  // past the last capability of this kernel
    if (present == 1 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) return errno;
  }
  return 0;
}

// In a user namespace with nobody but the caller there is no one else to become, and no group can
// be left.

int prepare_to_become(uid_t uid, std::uint64_t keep) noexcept {
  if (keep != 0 && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return errno;
  if (::getuid() != uid && ::setgroups(0, nullptr) != 0) return errno;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

int become_prepared(uid_t uid, std::uint64_t keep) noexcept {
  if (::getuid() != uid && (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0)) {
    return errno;
  }
  if (const int error = set_capabilities(keep)) return error;
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

int become(uid_t uid, std::uint64_t keep) noexcept {
  const int error = prepare_to_become(uid, keep);
  return error != 0 ? error : become_prepared(uid, keep);
}

int confine(const CgroupFiles& cgroup, bool joined, uid_t uid, const SeccompProgram& seccomp,
            const char** step) noexcept {
  int error = 0;
  *step = "joining the cgroup";
  if (!joined && (error = join_groups(cgroup))) return error;
  *step = "entering a cgroup namespace";  // after joining: its root is the group itself
  if (::unshare(CLONE_NEWCGROUP) != 0) return errno;
  // The bounding set goes before the identity: afterwards PR_CAPBSET_DROP would fail.
  *step = "dropping the capability bounding set";
  if ((error = drop_bounding_set(0))) return error;
  *step = "dropping identity and capabilities";
  if ((error = become(uid, 0))) return error;
  ::umask(022);
  *step = "Landlock";
  if ((error = restrict_files())) return error;
  *step = "seccomp";
  return seccomp.install();
}

}  // namespace podium::sandbox
