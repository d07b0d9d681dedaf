// The host's cgroups as texts and fake trees: what this machine has not must work too.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "cgroup.hpp"

namespace podium::sandbox {
namespace {

namespace fs = std::filesystem;
using Version = CgroupController::Version;

class CgroupTreeTest : public testing::Test {
 protected:
  CgroupTreeTest() {
    char pattern[] = "/tmp/podium-cgroup-XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  ~CgroupTreeTest() override { fs::remove_all(root_); }

  void file(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string read(const std::string& path) {
    std::ifstream in(root_ + path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The files the kernel would show in a v2 group.
  void v2_group(const std::string& path) {
    for (const char* name :
         {"memory.max", "memory.swap.max", "memory.peak", "memory.events", "memory.oom.group",
          "pids.max", "pids.events", "pids.current", "cpu.max", "cpu.stat", "cgroup.procs"}) {
      file(path + "/" + name, "");
    }
  }

  std::string root_;
  CgroupHost host_{::getpid()};
};

constexpr const char* kV2Mount =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(CgroupTreeTest, FindsControllersOfVersionTwo) {
  file("/sys/fs/cgroup/system.slice/podium.service/cgroup.controllers",
       "cpuset cpu io memory pids\n");

  const auto layout = find_cgroups("0::/system.slice/podium.service\n", kV2Mount, root_);

  EXPECT_EQ(layout.name(), "v2");
  EXPECT_TRUE(layout.missing().empty());
  EXPECT_EQ(layout.memory.parent, root_ + "/sys/fs/cgroup/system.slice/podium.service");
}

TEST_F(CgroupTreeTest, FindsControllersOfVersionOneMountedTogether) {
  const auto layout =
      find_cgroups("5:cpu,cpuacct:/a\n4:memory:/a\n3:pids:/\n",
                   "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                   "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                   "33 23 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");

  EXPECT_EQ(layout.name(), "v1");
  EXPECT_EQ(layout.cpu.parent, "/sys/fs/cgroup/cpu,cpuacct/a");
  EXPECT_EQ(layout.memory.parent, "/sys/fs/cgroup/memory/a");
  EXPECT_EQ(layout.pids.parent, "/sys/fs/cgroup/pids");
}

TEST_F(CgroupTreeTest, MixesVersionsWhereTheHostDoes) {
  file("/sys/fs/cgroup/unified/cgroup.controllers", "pids\n");

  const auto layout =
      find_cgroups("4:memory:/\n0::/\n",
                   "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                   "41 23 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                   root_);

  EXPECT_EQ(layout.name(), "hybrid");
  EXPECT_EQ(layout.memory.version, Version::kV1);
  EXPECT_EQ(layout.pids.version, Version::kV2);
  EXPECT_EQ(layout.missing(), std::vector<std::string>{"cpu"});
}

TEST_F(CgroupTreeTest, SaysWhatNothingEnforcesWhereThereIsNone) {
  const auto layout = find_cgroups("", "");

  EXPECT_EQ(layout.name(), "none");
  EXPECT_EQ(layout.missing(), (std::vector<std::string>{"memory", "processes", "cpu"}));
}

TEST_F(CgroupTreeTest, TakesTheMountsRootOffItsOwnPath) {
  file("/sys/fs/cgroup/inner/cgroup.controllers", "memory pids cpu\n");

  const auto layout =
      find_cgroups("0::/docker/abc/inner\n",
                   "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", root_);

  EXPECT_EQ(layout.memory.parent, root_ + "/sys/fs/cgroup/inner");
}

TEST_F(CgroupTreeTest, FindsTheGroupAboveTheOneThatPodiumWasMovedTo) {
  file("/sys/fs/cgroup/system.slice/podium.service/cgroup.controllers", "cpu memory pids\n");

  const auto layout =
      find_cgroups("0::/system.slice/podium.service/podium-host\n", kV2Mount, root_);

  EXPECT_EQ(layout.name(), "v2");
  EXPECT_EQ(layout.memory.parent, root_ + "/sys/fs/cgroup/system.slice/podium.service");
}

TEST_F(CgroupTreeTest, FindsTheGroupThatWasGivenAboveTheSubgroupThatPodiumIsIn) {
  const std::string service = "/sys/fs/cgroup/system.slice/podium.service";
  file(service + "/cgroup.controllers", "cpu memory pids\n");
  file(service + "/main/cgroup.controllers", "");  // nothing is handed down yet
  file(service + "/podium-4711/cgroup.controllers", "");
  const auto is_given = [&](const std::string& group) { return group == root_ + service; };

  const auto layout =
      find_cgroups("0::/system.slice/podium.service/main\n", kV2Mount, root_, is_given);

  EXPECT_EQ(layout.name(), "v2");
  EXPECT_TRUE(layout.missing().empty());
  EXPECT_EQ(layout.memory.parent, root_ + service);
}

TEST_F(CgroupTreeTest, StaysInItsOwnGroupBelowOneThatOthersHaveGroupsInOrThatWasNotGiven) {
  const std::string manager = "/sys/fs/cgroup/user@7.service";
  file(manager + "/cgroup.controllers", "cpu memory pids\n");
  file(manager + "/run-1.scope/cgroup.controllers", "cpu memory pids\n");
  const auto find = [&](const DelegateMark& is_given) {
    return find_cgroups("0::/user@7.service/run-1.scope\n", kV2Mount, root_, is_given)
        .memory.parent;
  };
  const auto all = [](const std::string&) { return true; };
  const auto none = [](const std::string&) { return false; };
  const auto manager_alone = [&](const std::string& group) { return group == root_ + manager; };

  EXPECT_EQ(find(all), root_ + manager + "/run-1.scope");
  EXPECT_EQ(find(none), root_ + manager + "/run-1.scope");
  EXPECT_EQ(find(manager_alone), root_ + manager);

  file(manager + "/init.scope/cgroup.controllers", "cpu memory pids\n");
  EXPECT_EQ(find(manager_alone), root_ + manager + "/run-1.scope");
}

TEST_F(CgroupTreeTest, WritesTheLimitsOfAVersionTwoGroup) {
  file("/g/cgroup.controllers", "memory pids cpu\n");
  file("/g/cgroup.subtree_control", "");
  file("/g/podium-1/cgroup.subtree_control", "");
  v2_group("/g/podium-1/7");
  CgroupLayout layout;
  layout.memory = layout.pids = layout.cpu = {Version::kV2, root_ + "/g"};

  CgroupTree tree(layout, "podium-1", host_);
  int error = 0;
  CgroupFiles files = tree.create("7", {256u << 20, 64, 0, 0, 1500, 0}, error);

  EXPECT_EQ(error, 0);
  EXPECT_TRUE(tree.notes().empty());
  EXPECT_EQ(read("/g/podium-1/7/memory.max"), "268435456");
  EXPECT_EQ(read("/g/podium-1/7/memory.swap.max"), "0");
  EXPECT_EQ(read("/g/podium-1/7/memory.oom.group"), "1");
  EXPECT_EQ(read("/g/podium-1/7/pids.max"), "64");
  EXPECT_EQ(read("/g/podium-1/7/cpu.max"), "30000 20000");
  EXPECT_GE(files.directory, 0);
  file("/g/podium-1/7/pids.current", "3\n");
  EXPECT_EQ(read_number(files.pids_count, ""), 3u);
  files.close_all();
}

TEST_F(CgroupTreeTest, DropsAControllerThatCannotBeHandedDownAndSaysWhy) {
  CgroupLayout layout;
  layout.memory = {Version::kV2, root_ + "/nowhere"};

  CgroupTree tree(layout, "podium-1", host_);

  EXPECT_EQ(tree.layout().missing(), (std::vector<std::string>{"memory", "processes", "cpu"}));
  ASSERT_EQ(tree.notes().size(), 1u);
  EXPECT_NE(tree.notes()[0].find("nowhere"), std::string::npos);
}

TEST_F(CgroupTreeTest, RemovesWhatADeadDaemonLeft) {
  file("/g/cgroup.subtree_control", "");
  fs::create_directories(root_ + "/g/podium-999999999/3");
  CgroupLayout layout;
  layout.memory = {Version::kV1, root_ + "/g"};

  CgroupTree tree(layout, "podium-1", host_);

  EXPECT_FALSE(fs::exists(root_ + "/g/podium-999999999"));
}

TEST_F(CgroupTreeTest, LeavesTheGroupsOfOthersAloneInAChildWhichMayNotSeeThem) {
  file("/g/cgroup.subtree_control", "");
  CgroupLayout layout;
  layout.memory = {Version::kV1, root_ + "/g"};
  auto tree = std::make_unique<CgroupTree>(layout, "podium-1", host_);
  fs::create_directories(root_ + "/g/podium-999999999");

  const pid_t child = ::fork();
  if (child == 0) {
    tree.reset();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);

  EXPECT_TRUE(fs::exists(root_ + "/g/podium-999999999"));
}

TEST_F(CgroupTreeTest, RemovesItsBaseAtTheEndThoughItsPathIsOutOfSight) {
  file("/g/cgroup.subtree_control", "");
  CgroupLayout layout;
  layout.memory = {Version::kV1, root_ + "/g"};
  {
    CgroupTree tree(layout, "podium-1", host_);
    fs::rename(root_ + "/g", root_ + "/elsewhere");
    fs::create_directories(root_ + "/elsewhere/podium-999999999/3");
  }

  EXPECT_FALSE(fs::exists(root_ + "/elsewhere/podium-1"));
  EXPECT_FALSE(fs::exists(root_ + "/elsewhere/podium-999999999"));
}

}  // namespace
}  // namespace podium::sandbox
