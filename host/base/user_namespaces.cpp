#include "base/user_namespaces.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace podium {
namespace {

constexpr int kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                            CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

/// A switch that forbids them at `forbids`, and what allows them again.
struct Switch {
  const char* path;
  const char* name;
  long forbids;
  const char* remedy;
};
constexpr std::array kSwitches{
    Switch{"kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone", 0,
           "sysctl -w kernel.unprivileged_userns_clone=1"},
    Switch{"user/max_user_namespaces", "user.max_user_namespaces", 0,
           "sysctl -w user.max_user_namespaces=10000"},
    Switch{"kernel/apparmor_restrict_unprivileged_userns",
           "kernel.apparmor_restrict_unprivileged_userns", 1,
           "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give podium-spawner an "
           "AppArmor profile that allows userns"}};

}  // namespace

NamespaceProblem explain_user_namespaces(int error, const std::filesystem::path& proc_sys) {
  const std::string refused =
      std::string("user namespaces are refused (") + std::strerror(error) + ")";
  for (const Switch& known : kSwitches) {
    std::ifstream in(proc_sys / known.path);
    long value = 0;
    if (!(in >> value) || value != known.forbids) continue;
    return {refused + " by " + known.name + " = " + std::to_string(value),
            std::string("run: ") + known.remedy + " (and put it into /etc/sysctl.d to keep it)"};
  }
  if (error == ENOSPC) {
    return {refused + ": too many of them, or of the namespaces in them, exist",
            "raise the limits in /proc/sys/user"};
  }
  if (error == EINVAL) {
    return {refused + ": this kernel lacks one of the namespaces",
            "use a kernel with CONFIG_USER_NS and the other namespaces"};
  }
  return {refused, "in a container, allow unshare(2) with its seccomp and AppArmor profiles"};
}

std::optional<NamespaceProblem> user_namespace_problem() {
  const pid_t pid = ::fork();
  if (pid < 0) return NamespaceProblem{"no child can be forked", "raise the limits (ulimit -u)"};
  if (pid == 0) ::_exit(::unshare(kNamespaces) == 0 ? 0 : errno & 0xff);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  return explain_user_namespaces(WIFEXITED(status) ? WEXITSTATUS(status) : EPERM, "/proc/sys");
}

}  // namespace podium
