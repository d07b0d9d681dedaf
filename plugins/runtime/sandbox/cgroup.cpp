#include "cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <set>

namespace podium::sandbox {
namespace {

using Version = CgroupController::Version;

bool write_text(int fd, std::string_view text) noexcept {
  return ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

/// Calls `each` with the name of every directory below; nothing when it cannot be listed.
template <class F>
void for_each_group(int directory, F each) {
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = fd < 0 ? nullptr : ::fdopendir(fd);
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list)) {
    if (entry->d_name[0] != '.' && entry->d_type == DT_DIR) each(entry->d_name);
  }
  ::closedir(list);
}

/// Removes groups of daemons that are gone: "podium-<pid>" with a dead pid.
void remove_leftovers(int parent) {
  for_each_group(parent, [&](const char* name) {
    int pid = 0;
    if (std::sscanf(name, "podium-%d", &pid) != 1 || pid <= 0) return;
    if (::kill(pid, 0) == 0 || errno != ESRCH) return;
    const int base = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0) return;
    for_each_group(base, [&](const char* group) { ::unlinkat(base, group, AT_REMOVEDIR); });
    ::close(base);
    ::unlinkat(parent, name, AT_REMOVEDIR);
  });
}

int open_at(int dir, const char* name, int flags) { return ::openat(dir, name, flags | O_CLOEXEC); }

std::size_t format(char* buffer, std::size_t size, std::uint64_t value) noexcept {
  const auto result = std::to_chars(buffer, buffer + size, value);
  return static_cast<std::size_t>(result.ptr - buffer);
}

bool write_value(int fd, std::uint64_t value) noexcept {
  char text[24];
  return fd < 0 || write_text(fd, {text, format(text, sizeof text, value)});
}

constexpr std::uint64_t kCpuPeriodUs = 20'000;  // short, so that a run is not stopped for long
/// The kernel takes no less of a period, and no longer a period than a second (kernel/sched/core.c,
/// min_bw_quota_period_us and max_bw_quota_period_us).
constexpr std::uint64_t kLeastQuotaUs = 1000, kLongestPeriodUs = 1'000'000;

bool write_cpu(const CgroupFiles& files, std::uint32_t wanted_millis) noexcept {
  if (files.cpu_limit < 0) return true;
  const std::uint64_t millis = std::max(wanted_millis, 1u);
  const std::uint64_t least = (kLeastQuotaUs * 1000 + millis - 1) / millis;
  const std::uint64_t period = std::clamp(least, kCpuPeriodUs, kLongestPeriodUs);
  const std::uint64_t quota = period * millis / 1000;
  if (!files.cpu_v2) {
    // Between the two writes the share may be one that the group above does not allow, or a quota
    // that is too small; then the other order is right.
    const auto write_period = [&] { return write_value(files.cpu_period, period); };
    const auto write_quota = [&] { return write_value(files.cpu_limit, quota); };
    return (write_period() && write_quota()) || (write_quota() && write_period());
  }
  constexpr std::size_t kDigits = 20;
  char text[2 * kDigits + 1];
  std::size_t n = format(text, kDigits, quota);
  text[n++] = ' ';
  n += format(text + n, kDigits, period);
  return write_text(files.cpu_limit, {text, n});
}

/// v1: the kernel may refuse a limit of memory+swap below that of memory, so the order matters.
bool write_memory(const CgroupFiles& files, std::uint64_t bytes) noexcept {
  if (files.memory_v2) {
    return write_value(files.memory_limit, bytes) &&
           (files.memory_swap_limit < 0 || write_text(files.memory_swap_limit, "0"));
  }
  if (files.memory_swap_limit < 0) return write_value(files.memory_limit, bytes);
  if (write_value(files.memory_limit, bytes)) return write_value(files.memory_swap_limit, bytes);
  return write_value(files.memory_swap_limit, bytes) && write_value(files.memory_limit, bytes);
}

}  // namespace

void CgroupFiles::close_all() noexcept {
  for (int* fd : {&tasks[0], &tasks[1], &tasks[2], &directory, &procs, &memory_limit,
                  &memory_swap_limit, &pids_limit, &cpu_limit, &memory_peak, &oom_events,
                  &pids_events, &pids_count, &oom_notice, &cpu_used, &cpu_period}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

int apply_limits(const CgroupFiles& files, const ShellLimits& wanted,
                 const ShellLimits* now) noexcept {
  if ((now == nullptr || now->memory_bytes != wanted.memory_bytes) &&
      !write_memory(files, wanted.memory_bytes)) {
    return errno;
  }
  if ((now == nullptr || now->processes != wanted.processes) &&
      !write_value(files.pids_limit, wanted.processes)) {
    return errno;
  }
  if ((now == nullptr || now->cpu_millis != wanted.cpu_millis) &&
      !write_cpu(files, wanted.cpu_millis)) {
    return errno;
  }
  return 0;
}

std::uint64_t read_number(int fd, std::string_view key) noexcept {
  if (fd < 0) return 0;
  char buffer[2048];
  const ssize_t n = ::pread(fd, buffer, sizeof buffer, 0);
  if (n <= 0) return 0;
  std::string_view text(buffer, static_cast<std::size_t>(n));
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!key.empty()) {
      if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
      line.remove_prefix(key.size() + 1);
    }
    std::uint64_t value = 0;
    std::from_chars(line.data(), line.data() + line.size(), value);
    return value;
  }
  return 0;
}

CgroupTree::CgroupTree(CgroupLayout layout, const std::string& base_name, CgroupHost& host)
    : layout_(std::move(layout)), maker_(::getpid()) {
  std::vector<Use> uses{{&layout_.memory, &Base::memory, "memory"},
                        {&layout_.pids, &Base::pids, "pids"},
                        {&layout_.cpu, &Base::cpu, "cpu"}};
  hand_down_to(uses, base_name, host);
  for (auto& use : uses) add(use, base_name);
}

CgroupTree::~CgroupTree() {
  for (const auto& base : bases_) {
    ::close(base.fd);
    ::unlinkat(base.parent, base.name.c_str(), AT_REMOVEDIR);
    if (::getpid() == maker_) remove_leftovers(base.parent);
    ::close(base.parent);
  }
}

void CgroupTree::give_up(Use& use, const std::string& why) {
  notes_.push_back(use.name + " controller: " + why);
  use.controller->version = Version::kNone;
}

/// Those of v2, by the group that they are handed down from: there is one on almost every host.
void CgroupTree::hand_down_to(std::vector<Use>& uses, const std::string& base_name,
                              CgroupHost& host) {
  std::set<std::string> groups;
  for (const auto& use : uses) {
    if (use.controller->version == Version::kV2) groups.insert(use.controller->parent);
  }
  for (const auto& group : groups) {
    std::vector<std::string> wanted;
    const auto comes_from_here = [&](const Use& use) {
      return use.controller->version == Version::kV2 && use.controller->parent == group;
    };
    for (const auto& use : uses) {
      if (comes_from_here(use)) wanted.push_back(use.name);
    }
    std::string why;
    const auto usable = prepare_group(host, group, base_name, wanted, why);
    for (auto& use : uses) {
      const bool gone = comes_from_here(use) && std::ranges::count(usable, use.name) == 0;
      if (gone) give_up(use, why);
    }
  }
}

/// Only bases with a controller: a process would be put into the others for nothing, and may not
/// be.
void CgroupTree::add(Use& use, const std::string& base_name) {
  const CgroupController& controller = *use.controller;
  if (controller.version == Version::kNone) return;
  const std::string path = controller.parent + "/" + base_name;
  auto base = std::ranges::find(bases_, path, &Base::path);
  if (base == bases_.end()) {
    const int parent = ::open(controller.parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) return give_up(use, "open " + controller.parent + ": " + std::strerror(errno));
    remove_leftovers(parent);
    int fd = -1;
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) {
      fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0) {
      const std::string why = "making " + path + ": " + std::strerror(errno);
      ::close(parent);
      return give_up(use, why);
    }
    base = bases_.insert(bases_.end(), Base{controller.version, path, base_name, parent, fd});
  }
  (*base).*use.member = true;
}

void CgroupTree::open_files(const Base& base, int dir, CgroupFiles& files) const {
  const bool v2 = base.version == Version::kV2;
  if (v2) {
    files.directory = ::fcntl(dir, F_DUPFD_CLOEXEC, 0);
    files.procs = open_at(dir, "cgroup.procs", O_WRONLY);
  } else {
    const auto slot = std::ranges::find(files.tasks, -1);
    *slot = open_at(dir, "tasks", O_WRONLY);
  }
  if (base.memory) {
    files.memory_v2 = v2;
    files.memory_limit = open_at(dir, v2 ? "memory.max" : "memory.limit_in_bytes", O_RDWR);
    files.memory_swap_limit =
        open_at(dir, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", O_RDWR);
    files.memory_peak = open_at(dir, v2 ? "memory.peak" : "memory.max_usage_in_bytes", O_RDONLY);
    files.oom_events = open_at(dir, v2 ? "memory.events" : "memory.oom_control", O_RDONLY);
    if (v2) {
      const int group = open_at(dir, "memory.oom.group", O_WRONLY);
      write_text(group, "1");
      ::close(group);
    } else {
      files.oom_notice = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
      char text[64];
      const int n = std::snprintf(text, sizeof text, "%d %d", files.oom_notice, files.oom_events);
      const int control = open_at(dir, "cgroup.event_control", O_WRONLY);
      write_text(control, {text, static_cast<std::size_t>(n)});
      ::close(control);
    }
  }
  if (base.pids) {
    files.pids_v2 = v2;
    files.pids_limit = open_at(dir, "pids.max", O_RDWR);
    files.pids_events = open_at(dir, "pids.events", O_RDONLY);
    files.pids_count = open_at(dir, "pids.current", O_RDONLY);
  }
  if (base.cpu) {
    files.cpu_v2 = v2;
    files.cpu_limit = open_at(dir, v2 ? "cpu.max" : "cpu.cfs_quota_us", O_RDWR);
    files.cpu_used = open_at(dir, v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
    if (!v2) files.cpu_period = open_at(dir, "cpu.cfs_period_us", O_WRONLY);
  }
}

CgroupFiles CgroupTree::create(const std::string& name, const ShellLimits& limits, int& error) {
  CgroupFiles files;
  error = 0;
  for (const auto& base : bases_) {
    if (::mkdirat(base.fd, name.c_str(), 0755) != 0 && errno != EEXIST) {
      error = errno;
      break;
    }
    const int dir = open_at(base.fd, name.c_str(), O_RDONLY | O_DIRECTORY);
    if (dir < 0) {
      error = errno;
      break;
    }
    open_files(base, dir, files);
    ::close(dir);
  }
  if (error == 0) error = apply_limits(files, limits, nullptr);
  if (error != 0) {
    files.close_all();
    remove(name);
  }
  return files;
}

bool CgroupTree::remove(const std::string& name) {
  bool gone = true;
  for (const auto& base : bases_) {
    if (::unlinkat(base.fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) gone = false;
  }
  return gone;
}

}  // namespace podium::sandbox
