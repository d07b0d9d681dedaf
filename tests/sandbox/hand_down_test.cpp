// Version two's rules for who may have controllers, processes, or both: by a fake kernel that keeps
// them, and by the real one where this machine has a hierarchy of version two.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "cgroup.hpp"
#include "hand_down.hpp"
#include "proc_text.hpp"

namespace podium::sandbox {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using Version = CgroupController::Version;

const std::set<std::string> kThreaded{"pids", "cpu"};

/// Linux, kernel/cgroup/cgroup.c (cgroup_vet_subtree_control_enable, cgroup_migrate_vet_dst), for
/// groups that nobody makes threaded by hand.
class FakeKernel : public CgroupHost {
 public:
  FakeKernel() : CgroupHost(1000) {
    groups_["/"].on = {"memory", "pids", "cpu"};
    groups_["/s"] = {};
  }

  struct Group {
    std::set<std::string> on;
    std::vector<int> processes;
  };
  Group& group(const std::string& path) { return groups_.at(path); }
  bool exists(const std::string& path) const { return groups_.contains(path); }
  bool delegated = false;
  std::set<std::string> refused;  ///< controllers that cannot be switched on at all
  int forks = 0;                  ///< so many of the processes that are moved fork first

  std::string type(const std::string& path) const {
    if (path == "/") return "";
    const std::string above = parent(path);
    if (above != "/" && type(above) != "domain") return "domain invalid";
    const Group& g = groups_.at(path);
    const bool threaded = std::ranges::any_of(g.on, [](auto& n) { return kThreaded.contains(n); });
    return threaded && !g.processes.empty() ? "domain threaded" : "domain";
  }

  std::string read(const std::string& file) override {
    const auto [path, name] = split(file);
    if (!exists(path)) return "";
    std::string text;
    if (name == "cgroup.type") return type(path) + (path == "/" ? "" : "\n");
    if (name == "cgroup.procs") {
      for (const int pid : group(path).processes) text += std::to_string(pid) + "\n";
    } else if (name == "cgroup.subtree_control") {
      for (const auto& on : group(path).on) text += on + " ";
    }
    return text;
  }

  int write(const std::string& file, std::string_view text) override {
    const auto [path, name] = split(file);
    if (!exists(path)) return ENOENT;
    return name == "cgroup.procs" ? move(std::stoi(std::string(text)), path)
                                  : control(path, words(std::string(text)));
  }

  int make(const std::string& path) override {
    groups_.try_emplace(path);
    return 0;
  }
  int remove(const std::string& path) override { return groups_.erase(path) == 1 ? 0 : ENOENT; }
  bool is_delegated(const std::string&) override { return delegated; }
  bool is_own(pid_t process) override { return process >= 1000; }

  int move(int pid, const std::string& to) {
    if (type(to) != "domain") return EOPNOTSUPP;
    if (to != "/" && !group(to).on.empty()) return EBUSY;
    for (auto& [path, from] : groups_) {
      if (std::erase(from.processes, pid) == 0) continue;
      if (forks-- > 0) from.processes.push_back(pid + 100);
      group(to).processes.push_back(pid);
      return 0;
    }
    return ESRCH;
  }

 private:
  static std::string parent(const std::string& path) {
    return path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/'));
  }
  static std::pair<std::string, std::string> split(const std::string& file) {
    const std::string path = file.substr(0, file.rfind('/'));
    return {path.empty() ? "/" : path, file.substr(file.rfind('/') + 1)};
  }

  int control(const std::string& path, const Names& wanted) {
    Group& g = group(path);
    std::set<std::string> on = g.on;
    for (const auto& word : wanted) {
      const std::string name = word.substr(1);
      if (word[0] == '-') {
        for (const auto& [below, other] : groups_) {
          if (below != "/" && parent(below) == path && other.on.contains(name)) return EBUSY;
        }
        on.erase(name);
        continue;
      }
      if (path != "/" && !groups_.at(parent(path)).on.contains(name)) return ENOENT;
      if (refused.contains(name)) return EINVAL;
      if (type(path) == "domain invalid") return EOPNOTSUPP;
      const bool domain = !kThreaded.contains(name);
      if (path != "/" && domain && type(path) == "domain threaded") return EOPNOTSUPP;
      if (path != "/" && domain && !g.processes.empty()) return EBUSY;
      on.insert(name);
    }
    g.on = on;
    return 0;
  }

  std::map<std::string, Group> groups_;
};

const Names kAll{"memory", "pids", "cpu"};
const std::set<std::string> kAllSet{"memory", "pids", "cpu"};

TEST(HandDown, MovesPodiumOutOfTheWayAndSwitchesAllOn) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 1001, 1002};

  std::string why;
  const Names on = prepare_group(kernel, "/s", "podium-7", kAll, why);

  EXPECT_EQ(on, kAll) << why;
  EXPECT_EQ(kernel.group("/s/podium-host").processes, (std::vector{1000, 1001, 1002}));
  EXPECT_EQ(kernel.group("/s/podium-7").on, kAllSet);
  ASSERT_EQ(kernel.make("/s/podium-7/1"), 0);
  EXPECT_EQ(kernel.move(1002, "/s/podium-7/1"), 0);  // as a sandbox is put into its group
}

TEST(HandDown, GoesOnWhereItsPredecessorLeftOff) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000};
  std::string why;
  prepare_group(kernel, "/s", "podium-7", kAll, why);
  kernel.make("/s/podium-7/1");
  ASSERT_EQ(kernel.move(1000, "/s/podium-7/1"), 0);

  EXPECT_EQ(prepare_group(kernel, "/s", "podium-8", kAll, why), kAll) << why;
}

TEST(HandDown, UndoesATrial) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 1001};
  std::string why;
  ASSERT_EQ(prepare_group(kernel, "/s", "podium-doctor", kAll, why), kAll) << why;
  kernel.remove("/s/podium-doctor");

  restore_group(kernel, "/s", {});

  EXPECT_EQ(kernel.group("/s").processes, (std::vector{1000, 1001}));
  EXPECT_TRUE(kernel.group("/s").on.empty());
  EXPECT_FALSE(kernel.exists("/s/podium-host"));
}

TEST(HandDown, MovesWhatIsForkedMeanwhile) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 1001};
  kernel.forks = 3;

  std::string why;
  EXPECT_EQ(prepare_group(kernel, "/s", "podium-7", kAll, why), kAll) << why;

  EXPECT_EQ(kernel.group("/s/podium-host").processes.size(), 5u);
}

TEST(HandDown, LeavesAGroupAloneThatHoldsOthersAndSaysWhatToDo) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 12};

  std::string why;
  const Names on = prepare_group(kernel, "/s", "podium-7", kAll, why);

  EXPECT_TRUE(on.empty());
  EXPECT_NE(why.find("Delegate=yes"), std::string::npos) << why;
  EXPECT_EQ(kernel.group("/s").processes, (std::vector{1000, 12}));
  EXPECT_TRUE(kernel.group("/s").on.empty());
  EXPECT_FALSE(kernel.exists("/s/podium-7"));
}

TEST(HandDown, TakesADelegatedGroupWhoeverIsInIt) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 12};
  kernel.delegated = true;

  std::string why;
  EXPECT_EQ(prepare_group(kernel, "/s", "podium-7", kAll, why), kAll) << why;
}

TEST(HandDown, DoesNotMoveProcessesWhoseNumbersItCannotSee) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000, 0};
  kernel.delegated = true;

  std::string why;
  EXPECT_TRUE(prepare_group(kernel, "/s", "podium-7", kAll, why).empty());

  EXPECT_NE(why.find("pid namespace"), std::string::npos) << why;
}

TEST(HandDown, NeedsNoRoomInTheRootOfTheHierarchy) {
  FakeKernel kernel;
  kernel.group("/").processes = {1, 1000};
  kernel.group("/").on = {};

  std::string why;
  EXPECT_EQ(prepare_group(kernel, "", "podium-7", kAll, why), kAll) << why;

  EXPECT_EQ(kernel.group("/").processes, (std::vector{1, 1000}));
}

TEST(HandDown, SwitchesTheOthersOnWhereOneIsRefused) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000};
  kernel.refused = {"cpu"};

  std::string why;
  const Names on = prepare_group(kernel, "/s", "podium-7", kAll, why);

  EXPECT_EQ(on, (Names{"memory", "pids"}));
  EXPECT_FALSE(why.empty());
  EXPECT_EQ(kernel.group("/s/podium-7").on, (std::set<std::string>{"memory", "pids"}));
}

TEST(HandDown, LeavesNothingSwitchedOnThatIsNotUsed) {
  FakeKernel kernel;
  kernel.group("/s").processes = {1000};
  kernel.refused = kAllSet;

  std::string why;
  EXPECT_TRUE(prepare_group(kernel, "/s", "podium-7", kAll, why).empty());

  EXPECT_TRUE(kernel.group("/s").on.empty());
  EXPECT_FALSE(kernel.exists("/s/podium-7"));
}

TEST(HandDown, RepairsAGroupThatWasMadeTheRootOfThreads) {
  FakeKernel kernel;
  kernel.group("/s") = {{"pids"}, {1000}};
  ASSERT_EQ(kernel.type("/s"), "domain threaded");

  std::string why;
  EXPECT_EQ(prepare_group(kernel, "/s", "podium-7", kAll, why), kAll) << why;
}

TEST(HandDown, MakesNoGroupForSandboxesThatNoControllerIsFor) {
  char pattern[] = "/tmp/podium-cgroup-XXXXXX";
  const std::string root = ::mkdtemp(pattern);
  const std::string group = root + "/s";
  fs::create_directories(group);
  std::ofstream(group + "/cgroup.type") << "domain\n";
  std::ofstream(group + "/cgroup.procs") << "1\n";  // not one of ours
  CgroupLayout layout;
  layout.memory = layout.pids = layout.cpu = {Version::kV2, group};
  CgroupHost host(::getpid());

  CgroupTree tree(layout, "podium-1", host);
  int error = 0;
  CgroupFiles files = tree.create("1", {256u << 20, 64, 0, 0, 1000, 0}, error);

  EXPECT_EQ(error, 0);
  EXPECT_EQ(files.directory, -1);  // or a process would be put there, which the kernel refuses
  EXPECT_EQ(files.procs, -1);
  EXPECT_EQ(tree.layout().missing().size(), 3u);
  EXPECT_EQ(tree.notes().size(), 3u);
  files.close_all();
  fs::remove_all(root);
}

/// A group of the real hierarchy of version two with a process of ours in it.
class RealGroup {
 public:
  explicit RealGroup(const std::string& mount)
      : path(mount + "/podium-test-" + std::to_string(::getpid())) {
    fs::create_directory(path);
    child = ::fork();
    if (child == 0) {
      for (;;) ::pause();
    }
    host.write(path + "/cgroup.procs", std::to_string(child));
  }
  ~RealGroup() {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (const char* below : {"/podium-7/1", "/podium-7", "/podium-host", ""}) {
      ::rmdir((path + below).c_str());
    }
  }

  CgroupHost host{::getpid()};
  std::string path;
  pid_t child = -1;
};

/// Where version two is mounted, and what of it has a controller that knows no threads.
std::string real_hierarchy(std::string& controller) {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    const std::string point = words(line).at(4);
    std::ifstream all(point + "/cgroup.controllers");
    for (std::string name; all >> name;) {
      if (name == "memory" || name == "hugetlb" || name == "io") controller = name;
    }
    if (!controller.empty() && ::access((point + "/cgroup.type").c_str(), F_OK) != 0) return point;
  }
  return {};
}

TEST(HandDown, DoesWhatTheRealKernelAsks) {
  std::string controller;
  const std::string mount = real_hierarchy(controller);
  if (mount.empty()) GTEST_SKIP() << "no root of a cgroup v2 hierarchy here";
  CgroupHost host(::getpid());
  const bool was_on =
      std::ranges::count(words(host.read(mount + "/cgroup.subtree_control")), controller) > 0;
  ASSERT_TRUE(was_on || host.write(mount + "/cgroup.subtree_control", "+" + controller) == 0);
  {
    RealGroup group(mount);
    // What this is about: the kernel refuses while a process is in the group itself.
    EXPECT_EQ(host.write(group.path + "/cgroup.subtree_control", "+" + controller), EBUSY);

    std::string why;
    const Names on = prepare_group(host, group.path, "podium-7", {controller}, why);

    EXPECT_EQ(on, Names{controller}) << why;
    EXPECT_EQ(host.read(group.path + "/podium-host/cgroup.procs"),
              std::to_string(group.child) + "\n");
    EXPECT_EQ(host.make(group.path + "/podium-7/1"), 0);
    EXPECT_EQ(host.write(group.path + "/podium-7/1/cgroup.procs", std::to_string(group.child)), 0);
  }
  if (!was_on) host.write(mount + "/cgroup.subtree_control", "-" + controller);
}

}  // namespace
}  // namespace podium::sandbox
