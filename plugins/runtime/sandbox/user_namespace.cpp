#include "user_namespace.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

namespace podium::sandbox {
namespace {

bool write_at(int directory, const char* path, const char* text) noexcept {
  const int fd = ::openat(directory, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const auto size = static_cast<ssize_t>(std::strlen(text));
  const bool ok = ::write(fd, text, std::strlen(text)) == size;
  const int error = errno;
  ::close(fd);
  errno = error;
  return ok;
}

/// Nothing but to wait: the other one has the sockets.
[[noreturn]] void outlive(pid_t child) noexcept {
  ::close_range(3, ~0u, 0);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

}  // namespace

bool is_unprivileged() noexcept { return ::geteuid() != 0; }

int map_own_identity(int proc, uid_t uid, gid_t gid) noexcept {
  std::array<char, 64> line{};
  std::snprintf(line.data(), line.size(), "%u %u 1\n", uid, uid);
  if (!write_at(proc, "self/uid_map", line.data())) return errno;
  // Without this no ordinary user may map a group (user_namespaces(7)).
  if (!write_at(proc, "self/setgroups", "deny")) return errno;
  std::snprintf(line.data(), line.size(), "%u %u 1\n", uid, gid);
  return write_at(proc, "self/gid_map", line.data()) ? 0 : errno;
}

void enter_user_namespace() {
  const auto fail = [](const char* step, int error) {
    throw std::runtime_error(std::string(step) + ": " + std::strerror(error) +
                             "; without root Podium needs user namespaces: see podium doctor");
  };
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) fail("making a user namespace", errno);
  const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = map_own_identity(proc, uid, gid);
  ::close(proc);
  if (error != 0) fail("mapping the own account in a user namespace", error);
  const pid_t child = ::fork();
  if (child < 0) fail("fork", errno);
  if (child != 0) outlive(child);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int keep_capabilities_over_exec() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return errno;
  // What the bounding set has lost cannot be inherited.
  for (int cap = 0; cap < 64; ++cap) {
    if (::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1) continue;
    data[cap / 32].inheritable |= data[cap / 32].permitted & (1u << (cap % 32));
  }
  if (::syscall(SYS_capset, &header, data) != 0) return errno;
  for (int cap = 0; cap < 64; ++cap) {
    const std::uint32_t held = data[cap / 32].inheritable;
    if (((held >> (cap % 32)) & 1u) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) return errno;
  }
  return 0;
}

}  // namespace podium::sandbox
