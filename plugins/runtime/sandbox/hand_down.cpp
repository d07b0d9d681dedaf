#include "hand_down.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "proc_text.hpp"

namespace podium::sandbox {
namespace {

/// Processes that fork while they are moved leave children behind, which are moved next.
constexpr int kRounds = 64;

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}

/// "domain", "domain threaded", "domain invalid", "threaded"; empty in the root of a hierarchy.
std::string type_of(CgroupHost& host, const std::string& group) {
  std::string type = host.read(group + "/cgroup.type");
  while (!type.empty() && type.back() == '\n') type.pop_back();
  return type;
}

int switch_controllers(CgroupHost& host, const std::string& group, char sign,
                       const std::vector<std::string>& controllers) {
  std::string text;
  for (const auto& name : controllers) text += (text.empty() ? "" : " ") + (sign + name);
  return host.write(group + "/cgroup.subtree_control", text);
}

pid_t parent_of(pid_t process) {
  char path[32], text[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", process);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : ::read(fd, text, sizeof text - 1);
  if (fd >= 0) ::close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* after_name = std::strrchr(text, ')');
  int parent = 0;
  if (after_name == nullptr || std::sscanf(after_name + 1, " %*c %d", &parent) != 1) return 0;
  return parent;
}

constexpr const char* kRemedy =
    "; start podiumd as a service with Delegate=yes, or in a container with a cgroup namespace of "
    "its own";

}  // namespace

std::string CgroupHost::read(const std::string& file) {
  std::string text;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  std::array<char, 4096> buffer;
  for (ssize_t n; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return text;
}

int CgroupHost::write(const std::string& file, std::string_view text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::write(fd, text.data(), text.size()) < 0 ? errno : 0;
  ::close(fd);
  return error;
}

int CgroupHost::make(const std::string& group) {
  return ::mkdir(group.c_str(), 0755) == 0 || errno == EEXIST ? 0 : errno;
}

int CgroupHost::remove(const std::string& group) { return ::rmdir(group.c_str()) == 0 ? 0 : errno; }

bool has_delegate_mark(const std::string& group) {
  return std::ranges::any_of(std::array{"user.delegate", "trusted.delegate"}, [&](auto* name) {
    char value = '0';
    return ::getxattr(group.c_str(), name, &value, 1) == 1 && value == '1';
  });
}

bool CgroupHost::is_delegated(const std::string& group) {
  if (has_delegate_mark(group)) return true;
  struct stat here {
  }, above{};
  return ::stat(group.c_str(), &here) == 0 && ::stat((group + "/..").c_str(), &above) == 0 &&
         here.st_dev != above.st_dev;
}

bool CgroupHost::is_own(pid_t process) {
  for (int step = 0; process > 0 && step < 64; ++step, process = parent_of(process)) {
    if (process == leader_) return true;
  }
  return false;
}

pid_t leader_of_spawner() {
  const pid_t supervisor = ::getppid();
  const pid_t daemon = parent_of(supervisor);
  // Everything is a descendant of init, and that is the supervisor's parent when podiumd has died.
  // In a container podiumd may be process 1; all there is its own then, as the container's.
  return daemon > 1 ? daemon : supervisor;
}

std::vector<std::string> switched_on(CgroupHost& host, const std::string& group) {
  return words(host.read(group + "/cgroup.subtree_control"));
}

std::string clear_group(CgroupHost& host, const std::string& group) {
  std::string type = type_of(host, group);
  if (type.empty()) return {};
  const auto processes = [&] { return words(host.read(group + "/cgroup.procs")); };
  const auto number = [](const std::string& text) {
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;  // 0 stands for one of a pid namespace that is not below ours
  };
  std::vector<std::string> left = processes();
  if (left.empty() && type == "domain") return {};
  if (std::ranges::any_of(left, [&](const auto& text) { return number(text) == 0; })) {
    return group + " holds processes of another pid namespace, which cannot be moved" + kRemedy;
  }
  const auto is_own = [&](const std::string& text) { return host.is_own(number(text)); };
  if (!host.is_delegated(group) && !std::ranges::all_of(left, is_own)) {
    return group + " holds processes that are not Podium's, and is not delegated" + kRemedy;
  }
  if (type == "domain threaded") {
    // Somebody switched threaded controllers on while processes were in it.
    take_back(host, group, switched_on(host, group));
    type = type_of(host, group);
  }
  if (type != "domain")
    return group + " is a group of threads (cgroup.type: " + type + ")" + kRemedy;
  if (left.empty()) return {};
  const std::string below = group + "/" + std::string(kHostGroup);
  if (const int error = host.make(below)) return "making " + below + ": " + std::strerror(error);
  for (int round = 0; round < kRounds && !left.empty(); ++round, left = processes()) {
    for (const auto& pid : left) {
      const int error = host.write(below + "/cgroup.procs", pid);
      if (error != 0 && error != ESRCH) {
        return "moving process " + pid + " from " + group + " to " + below + ": " +
               std::strerror(error) + kRemedy;
      }
    }
  }
  return left.empty() ? std::string()
                      : group + " does not become empty: its processes fork" + kRemedy;
}

std::vector<std::string> hand_down(CgroupHost& host, const std::string& group,
                                   const std::vector<std::string>& controllers, int& error) {
  error = 0;
  std::vector<std::string> missing;
  const std::vector<std::string> before = switched_on(host, group);
  std::ranges::copy_if(controllers, std::back_inserter(missing),
                       [&](const auto& name) { return !contains(before, name); });
  if (missing.empty()) return controllers;
  // All or none. One by one only where no process is in the way: threaded controllers would be
  // switched on in spite of it, and make the groups below such that no process can enter.
  error = switch_controllers(host, group, '+', missing);
  if (error == 0) return controllers;
  std::vector<std::string> on;
  const bool busy = error == EBUSY;
  for (const auto& name : controllers) {
    if (contains(before, name) || (!busy && switch_controllers(host, group, '+', {name}) == 0)) {
      on.push_back(name);
    }
  }
  return on;
}

void take_back(CgroupHost& host, const std::string& group,
               const std::vector<std::string>& controllers) {
  // One by one: those that another daemon uses below this group stay.
  for (const auto& name : controllers) switch_controllers(host, group, '-', {name});
}

std::vector<std::string> prepare_group(CgroupHost& host, const std::string& group,
                                       const std::string& base,
                                       const std::vector<std::string>& controllers,
                                       std::string& why) {
  const std::vector<std::string> before = switched_on(host, group);
  int error = 0;
  std::vector<std::string> on, usable;
  // A process may have been put into the group after it was cleared.
  for (int attempt = 0; attempt < 3; ++attempt) {
    why = clear_group(host, group);
    if (!why.empty()) return {};
    on = hand_down(host, group, controllers, error);
    if (error != EBUSY) break;
  }
  if (error != 0) {
    why = "switching it on in " + group + "/cgroup.subtree_control: " + std::strerror(error);
  }
  const std::string path = group + "/" + base;
  if (!on.empty() && (error = host.make(path)) != 0) {
    why = "making " + path + ": " + std::strerror(error);
  } else if (!on.empty()) {
    usable = hand_down(host, path, on, error);
    const std::string type = type_of(host, path);
    if (!type.empty() && type != "domain") {
      take_back(host, path, usable);
      usable.clear();
      why = path + " takes no processes (cgroup.type: " + type + ")";
    } else if (error != 0) {
      why = "switching it on in " + path + "/cgroup.subtree_control: " + std::strerror(error);
    }
  }
  if (usable.empty()) host.remove(path);
  std::vector<std::string> unused;
  std::ranges::copy_if(on, std::back_inserter(unused), [&](const auto& name) {
    return !contains(usable, name) && !contains(before, name);
  });
  take_back(host, group, unused);
  return usable;
}

void restore_group(CgroupHost& host, const std::string& group,
                   const std::vector<std::string>& before) {
  std::vector<std::string> added;
  std::ranges::copy_if(switched_on(host, group), std::back_inserter(added),
                       [&](const auto& name) { return !contains(before, name); });
  take_back(host, group, added);
  const std::string below = group + "/" + std::string(kHostGroup);
  std::vector<std::string> left = words(host.read(below + "/cgroup.procs"));
  for (int round = 0; round < kRounds && !left.empty(); ++round) {
    for (const auto& pid : left) host.write(group + "/cgroup.procs", pid);
    left = words(host.read(below + "/cgroup.procs"));
  }
  host.remove(below);
}

}  // namespace podium::sandbox
