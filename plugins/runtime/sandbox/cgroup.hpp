#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hand_down.hpp"
#include "protocol.hpp"

namespace podium::sandbox {

/// Where one controller of this host can be used by us.
struct CgroupController {
  enum class Version { kNone, kV1, kV2 };
  Version version = Version::kNone;
  std::string parent;  ///< directory of our own group, above a kHostGroup that we were moved to;
                       ///< groups of ours are made below it
};

/// What the host offers: v1, v2, a mixture, or nothing.
struct CgroupLayout {
  CgroupController memory, pids, cpu;

  /// "v1", "v2", "hybrid" or "none".
  std::string name() const;
  /// Limits that nothing enforces then: "memory", "processes", "cpu".
  std::vector<std::string> missing() const;
};

/// Whether systemd has given a group away: has_delegate_mark.
using DelegateMark = std::function<bool(const std::string& group)>;

/// Reads /proc/self/cgroup and /proc/self/mountinfo (cgroups(7), proc(5)), given as texts so that
/// tests can describe any host. `root` is put before every path.
CgroupLayout find_cgroups(std::string_view self_cgroup, std::string_view mountinfo,
                          const std::string& root = {},
                          const DelegateMark& is_given = has_delegate_mark);

/// Descriptors of one sandbox's group, opened by root, so that a process without privilege can use
/// them later. -1: not there.
struct CgroupFiles {
  std::array<int, 3> tasks{-1, -1, -1};  ///< v1: a single-threaded process writes "0" to each
  int directory = -1;                    ///< v2: for CLONE_INTO_CGROUP
  int procs = -1;                        ///< v2: cgroup.procs, to join by writing "0"
  int memory_limit = -1;
  int memory_swap_limit = -1;  ///< v1 memory.memsw; v2 memory.swap.max
  int pids_limit = -1;
  int cpu_limit = -1;
  int cpu_period = -1;  ///< v1 only
  int memory_peak = -1;
  int oom_events = -1;   ///< has a line "oom_kill N"
  int pids_events = -1;  ///< has a line "max N"
  int pids_count = -1;   ///< threads in the group, of pid 1 none
  int oom_notice = -1;   ///< v1: eventfd that the kernel writes at out of memory
  int cpu_used = -1;     ///< v1 cpuacct.usage, v2 cpu.stat; may be missing
  bool memory_v2 = false, pids_v2 = false, cpu_v2 = false;

  void close_all() noexcept;
};

/// Applies those limits that differ from `now`. Async-signal-safe. 0 or the errno of the first
/// failure.
int apply_limits(const CgroupFiles& files, const ShellLimits& wanted,
                 const ShellLimits* now) noexcept;

/// The number behind `key` in a file of lines "key N", or its only number when key is empty.
/// Async-signal-safe; 0 when unreadable.
std::uint64_t read_number(int fd, std::string_view key) noexcept;

/// The groups below one directory per controller, "podium-<pid>": made by the spawner, one a
/// sandbox. Single-threaded.
class CgroupTree {
 public:
  /// Makes the base directories and removes those that dead daemons left. In v2 the processes of
  /// Podium are moved out of the way first (hand_down.hpp). A controller that cannot be used after
  /// all is dropped from the layout and said in notes().
  CgroupTree(CgroupLayout layout, const std::string& base_name, CgroupHost& host);
  /// Removes the base directories, if they are empty, and, in the process that made this, again
  /// what dead daemons left: a child may be in another pid namespace, where others are dead.
  ~CgroupTree();
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;

  const CgroupLayout& layout() const noexcept { return layout_; }
  const std::vector<std::string>& notes() const noexcept { return notes_; }

  /// Makes a group and sets its limits. On failure errno is returned through `error`.
  CgroupFiles create(const std::string& name, const ShellLimits& limits, int& error);
  /// False while processes are left in it.
  bool remove(const std::string& name);

 private:
  struct Base {
    CgroupController::Version version = CgroupController::Version::kNone;
    std::string path, name;
    int parent = -1, fd = -1;  ///< the path is out of sight once the root has been left
    bool memory = false, pids = false, cpu = false;
  };
  struct Use {
    CgroupController* controller;
    bool Base::*member;
    std::string name;
  };
  void add(Use& use, const std::string& base_name);
  void hand_down_to(std::vector<Use>& uses, const std::string& base_name, CgroupHost& host);
  void give_up(Use& use, const std::string& why);
  void open_files(const Base& base, int dir, CgroupFiles& files) const;

  CgroupLayout layout_;
  std::vector<Base> bases_;
  std::vector<std::string> notes_;
  pid_t maker_;
};

}  // namespace podium::sandbox
