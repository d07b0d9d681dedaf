#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "base/user_namespaces.hpp"
#include "cgroup.hpp"
#include "cli/check.hpp"

namespace podium::cli {
namespace {

using Verdict = Check::Verdict;

/// Runs `act` in a child and returns what it returned, 0 to 255; -1 when there was no child.
int in_child(const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid < 0) return -1;
  if (pid == 0) ::_exit(act() & 0xff);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::string kernel() {
  utsname name{};
  ::uname(&name);
  return std::string("kernel ") + name.release;
}

constexpr const char* kRootRemedy = "run podium doctor as root, as podiumd is started";

/// As an ordinary user has it: with nobody but himself. 0, or the errno of what failed.
int enter_user_namespace() {
  const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) return errno;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << uid << ' ' << uid << " 1\n";
  std::ofstream groups("/proc/self/gid_map");
  groups << gid << ' ' << gid << " 1\n";
  return groups.flush() ? 0 : EPERM;
}

/// 0, or the errno of what failed.
int try_overlay() {
  const auto failed = [](int result) { return result != 0; };
  if (failed(::unshare(CLONE_NEWNS))) return errno;
  if (failed(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr))) return errno;
  if (failed(::mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m"))) return errno;
  for (const char* folder : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/all"}) {
    if (failed(::mkdir(folder, 0700))) return errno;
  }
  if (failed(::mount("overlay", "/tmp/all", "overlay", 0,
                     "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"))) {
    return errno;
  }
  return 0;
}

std::set<std::string> words(std::string_view text, char separator) {
  std::set<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string word; std::getline(in, word, separator);) {
    while (!word.empty() && word.back() == '\n') word.pop_back();
    if (!word.empty()) out.insert(word);
  }
  return out;
}

/// Where version two is mounted and the service has handed its controllers down: what podiumd does
/// in a group of its own can then not be tried, and need not be, in that of whoever calls this.
bool service_holds_limits(std::string_view mountinfo) {
  std::istringstream mounts{std::string(mountinfo)};
  for (std::string mount; std::getline(mounts, mount);) {
    if (mount.find(" - cgroup2 ") == mount.npos) continue;
    std::istringstream fields(mount);
    std::string point;
    for (int i = 0; i < 5; ++i) fields >> point;
    std::ifstream in(point + "/system.slice/podiumd.service/cgroup.subtree_control");
    std::string on;
    std::getline(in, on);
    if (words(on, ' ').contains("memory")) return true;
  }
  return false;
}

/// What the spawner does with its own groups, undone at the end. Returns what did not go.
std::vector<std::string> try_groups(const sandbox::CgroupLayout& layout) {
  sandbox::CgroupHost host(::getpid());
  std::map<std::string, std::vector<std::string>> to_restore;
  for (const auto* c : {&layout.memory, &layout.pids, &layout.cpu}) {
    if (c->version != sandbox::CgroupController::Version::kV2) continue;
    const std::string below = c->parent + "/" + std::string(sandbox::kHostGroup);
    if (::access(below.c_str(), F_OK) == 0) continue;
    to_restore[c->parent] = sandbox::switched_on(host, c->parent);
  }
  std::vector<std::string> refused;
  {
    sandbox::CgroupTree tree(layout, "podium-doctor-" + std::to_string(::getpid()), host);
    refused = tree.notes();
    int error = 0;
    sandbox::ShellLimits limits;
    limits.memory_bytes = 64u << 20;
    limits.processes = 16;
    limits.cpu_millis = 1000;
    tree.create("1", limits, error).close_all();
    if (error != 0) refused.push_back(std::string("setting limits: ") + std::strerror(error));
    tree.remove("1");
  }
  for (const auto& [group, before] : to_restore) sandbox::restore_group(host, group, before);
  return refused;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

Check check_namespaces() {
  struct Kind {
    const char* name;
    int flag;
  };
  constexpr std::array kKinds{Kind{"mount", CLONE_NEWNS}, Kind{"pid", CLONE_NEWPID},
                              Kind{"network", CLONE_NEWNET}, Kind{"ipc", CLONE_NEWIPC},
                              Kind{"uts", CLONE_NEWUTS}, Kind{"cgroup", CLONE_NEWCGROUP}};
  if (::geteuid() != 0) {
    if (const auto problem = user_namespace_problem()) {
      return {"namespaces", Verdict::kWeak,
              "not tried as root; as this user " + problem->found,
              problem->remedy + "; or start podiumd as root"};
    }
    return {"namespaces", Verdict::kWeak,
            "as this user, in user namespaces: every sandbox runs as this account, and limits are "
            "weaker without a delegated cgroup; " + kernel(), kRootRemedy};
  }
  std::vector<std::string> refused;
  for (const Kind& kind : kKinds) {
    const int error = in_child([&kind] { return ::unshare(kind.flag) == 0 ? 0 : errno; });
    if (error != 0) {
      refused.push_back(std::string(kind.name) + " (" +
                        (error < 0 ? "no child process" : std::strerror(error)) + ")");
    }
  }
  if (refused.empty()) {
    return {"namespaces", Verdict::kGood, "mount, pid, network, ipc, uts, cgroup; " + kernel(), ""};
  }
  return {"namespaces", Verdict::kBad, "refused: " + joined(refused) + "; " + kernel(),
          "in a container: run it privileged (it needs CAP_SYS_ADMIN and no seccomp filter of its "
          "own); on a machine: a kernel with these namespaces"};
}

Check check_overlay() {
  const int error = in_child([] {
    const int refused = ::geteuid() == 0 ? 0 : enter_user_namespace();
    return refused != 0 ? refused : try_overlay();
  });
  if (error == 0) return {"overlay", Verdict::kGood, "an overlay on tmpfs can be mounted", ""};
  return {"overlay", Verdict::kBad,
          std::string("an overlay on tmpfs cannot be mounted: ") +
              (error < 0 ? "no child process" : std::strerror(error)),
          error == ENODEV ? "modprobe overlay, or a kernel with overlayfs"
                          : "in a container: run it privileged (mounting needs CAP_SYS_ADMIN)"};
}

Check check_seccomp(std::string_view actions_available) {
  const std::set<std::string> actions = words(actions_available, ' ');
  for (const char* wanted : {"kill_process", "errno"}) {
    if (!actions.contains(wanted)) {
      return {"seccomp", Verdict::kBad, std::string("the action ") + wanted + " is missing",
              "a kernel with CONFIG_SECCOMP_FILTER"};
    }
  }
  return {"seccomp", Verdict::kGood, "filters with errno and kill_process", ""};
}

Check check_landlock() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version > 0) {
    return {"landlock", Verdict::kGood, "version " + std::to_string(version) + " of its interface",
            ""};
  }
  return {"landlock", Verdict::kWeak, std::string("not there: ") + std::strerror(errno),
          "boot with lsm=landlock,… ; without it a sandbox still has its own root, user and "
          "namespaces, and one layer less"};
}

Check check_cgroups(std::string_view mountinfo, std::string_view v2_controllers, bool may_make_groups) {
  const std::set<std::string> v2 = words(v2_controllers, ' ');
  std::set<std::string> v1;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - cgroup ");
    if (dash == std::string::npos) continue;
    // Behind the dash: type, source, and the options, which name the controllers.
    v1.merge(words(line.substr(line.rfind(' ') + 1), ','));
  }
  std::vector<std::string> missing;
  std::string found;
  for (const char* controller : {"memory", "pids", "cpu"}) {
    const bool in_v2 = v2.contains(controller);
    if (!in_v2 && !v1.contains(controller)) {
      missing.emplace_back(controller);
      continue;
    }
    found += (found.empty() ? "" : ", ") + std::string(controller) + (in_v2 ? " (v2)" : " (v1)");
  }
  if (missing.empty() && may_make_groups) return {"cgroups", Verdict::kGood, found, ""};
  if (missing.empty()) {
    return {"cgroups", Verdict::kWeak,
            found + ", but podiumd started from here can make no group: limits are held by rlimits of single "
                    "processes, and processor time by nothing",
            "see own cgroup"};
  }
  return {"cgroups", Verdict::kWeak,
          "missing: " + joined(missing) + (found.empty() ? "" : "; there: " + found),
          "mount cgroup v2 at /sys/fs/cgroup with these controllers; until then they are held by "
          "rlimits of single processes only"};
}

Check check_system_calls() {
  struct Call {
    const char* name;
    long number;
  };
  // Given -1 everywhere, a call that is there refuses its arguments, and does nothing.
  constexpr std::array kCalls{Call{"pidfd_open", SYS_pidfd_open},
                              Call{"pidfd_send_signal", SYS_pidfd_send_signal},
                              Call{"close_range", SYS_close_range},
                              Call{"openat2", SYS_openat2},
                              Call{"open_tree", SYS_open_tree},
                              Call{"move_mount", SYS_move_mount},
                              Call{"fsopen", SYS_fsopen},
                              Call{"fsconfig", SYS_fsconfig},
                              Call{"fsmount", SYS_fsmount},
                              Call{"mount_setattr", SYS_mount_setattr}};
  std::vector<std::string> absent;
  for (const Call& call : kCalls) {
    // In a child: a filter may answer with a signal. close_range(-1, ...) closes nothing.
    const int error = in_child([&call] {
      return ::syscall(call.number, -1L, -1L, -1L, -1L, -1L) >= 0 ? 0 : errno;
    });
    if (error < 0 || error == ENOSYS) absent.emplace_back(call.name);
  }
  if (absent.empty()) {
    return {"system calls", Verdict::kGood, "all that sandboxes are made with; " + kernel(), ""};
  }
  return {"system calls", Verdict::kBad, "missing: " + joined(absent) + "; " + kernel(),
          "Linux 5.13 or newer; in a container: no seccomp filter of its own"};
}

Check check_delegation(std::string_view self, std::string_view mountinfo) {
  const sandbox::CgroupLayout layout = sandbox::find_cgroups(self, mountinfo);
  std::set<std::string> groups;
  for (const auto* c : {&layout.memory, &layout.pids, &layout.cpu}) {
    if (!c->parent.empty()) groups.insert(c->parent);
  }
  if (groups.empty()) {
    return {"own cgroup", Verdict::kWeak, "none of memory, pids and cpu is mounted here",
            "mount cgroup v2 at /sys/fs/cgroup"};
  }
  const std::vector<std::string> refused = try_groups(layout);
  if (refused.empty()) {
    return {"own cgroup", Verdict::kGood,
            "groups with limits can be made in " + joined({groups.begin(), groups.end()}), ""};
  }
  if (service_holds_limits(mountinfo)) {
    return {"own cgroup", Verdict::kGood,
            "podiumd.service has its limits held; not in this shell's group: " + refused.front(),
            ""};
  }
  if (::geteuid() != 0) {
    return {"own cgroup", Verdict::kWeak,
            "as this user limits are not held in this group: " + joined(refused),
            "start podiumd as root, or in a group of this user's own: systemd-run --user --scope "
            "--property=Delegate=yes podiumd"};
  }
  return {"own cgroup", Verdict::kWeak, "limits are not held in this group: " + joined(refused),
          "in a service: Delegate=yes; in a container: --privileged --cgroupns=private"};
}

Check check_namespace_bounds(const std::filesystem::path& bounds, std::uint64_t sandboxes) {
  // Beside those that run, some wait, some are on their way out.
  const std::uint64_t wanted = sandboxes * 4 + 100;
  std::vector<std::string> low;
  for (const char* kind : {"mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    const std::filesystem::path file = bounds / ("max_" + std::string(kind) + "_namespaces");
    std::ifstream in(file);
    std::uint64_t allowed = 0;
    if (in >> allowed && allowed < wanted) low.push_back(file.string() + "=" + std::to_string(allowed));
  }
  if (low.empty()) {
    return {"namespace counts", Verdict::kGood, std::to_string(wanted) + " of each kind are allowed", ""};
  }
  return {"namespace counts", Verdict::kBad, "too few are allowed: " + joined(low),
          "sysctl -w user.max_*_namespaces=" + std::to_string(wanted) + " or more, each"};
}

}  // namespace podium::cli
