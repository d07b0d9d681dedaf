#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace podium::sandbox {

/// Where the processes of Podium itself live, below a v2 group that is ours: the kernel gives
/// groups below another one controllers only when that one has no process of its own (Linux,
/// Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint").
inline constexpr std::string_view kHostGroup = "podium-host";

/// A v2 hierarchy and whose processes are in it. Tests put a kernel of their own in its place.
class CgroupHost {
 public:
  /// `leader` and its descendants are Podium's own.
  explicit CgroupHost(pid_t leader) : leader_(leader) {}
  virtual ~CgroupHost() = default;
  CgroupHost(const CgroupHost&) = delete;
  CgroupHost& operator=(const CgroupHost&) = delete;

  /// Empty when it cannot be read.
  virtual std::string read(const std::string& file);
  /// 0 or errno.
  virtual int write(const std::string& file, std::string_view text);
  /// 0 or errno; one that is there will do.
  virtual int make(const std::string& group);
  virtual int remove(const std::string& group);
  /// Whether it was given to whoever runs in it: by systemd (its attribute "delegate"), or as all
  /// that a container sees of the hierarchy.
  virtual bool is_delegated(const std::string& group);
  virtual bool is_own(pid_t process);

 private:
  pid_t leader_;
};

/// Whether systemd has marked the group as given away (Delegate=, systemd.resource-control(5)).
bool has_delegate_mark(const std::string& group);

/// The process that podiumd is to its spawner, the caller: the supervisor's parent.
pid_t leader_of_spawner();

/// Moves every process of `group` to its kHostGroup. Nothing to be done in the root of a hierarchy,
/// which may have both. Otherwise the group must be delegated, or have no process but Podium's own.
/// Empty, or why it did not go and what to do.
std::string clear_group(CgroupHost& host, const std::string& group);

/// The controllers that are on for the groups below `group`.
std::vector<std::string> switched_on(CgroupHost& host, const std::string& group);

/// Switches `controllers` on for the groups below `group`. Returns those that are on then; `error`
/// is the errno of what failed first, or 0.
std::vector<std::string> hand_down(CgroupHost& host, const std::string& group,
                                   const std::vector<std::string>& controllers, int& error);

/// Switches them off again.
void take_back(CgroupHost& host, const std::string& group,
               const std::vector<std::string>& controllers);

/// Both levels: makes `group`/`base` and switches on for the groups below it what is possible of
/// `controllers`, which are returned. What is not possible is off in both afterwards, and said in
/// `why`; without any there is no `base` and nothing is changed but where processes are.
std::vector<std::string> prepare_group(CgroupHost& host, const std::string& group,
                                       const std::string& base,
                                       const std::vector<std::string>& controllers,
                                       std::string& why);

/// For a mere trial: puts the processes back, and switches off what was not on `before`.
void restore_group(CgroupHost& host, const std::string& group,
                   const std::vector<std::string>& before);

}  // namespace podium::sandbox
