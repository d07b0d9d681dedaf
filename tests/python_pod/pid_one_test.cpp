// What the first process of a sandbox owes to a pod's run, seen from the host while the lease is
// still held: to release it would hide what was not done.

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

using PodsPidOne = PodTest;

/// The value behind `name` in a process's proc_pid_status(5).
std::string status_of(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return {};
}

TEST_F(PodsPidOne, IsNotRootWhileTheProgramRunsAndKeepsThreeRights) {
  make({small_pool(1)});
  ASSERT_TRUE(full());
  Recorded run;
  run.start(*sandboxes_, pod_program("print('began')\nimport time\ntime.sleep(1000)"));
  run.wait_for_output("began\n");

  std::vector<pid_t> ordinary;
  const bool found = eventually([&] {
    for (const pid_t init : Family::of(spawner_->pid()).inits) {
      const std::string users = status_of(init, "Uid");
      if (!users.empty() && !users.starts_with("0\t")) ordinary.push_back(init);
    }
    return !ordinary.empty();
  });
  ASSERT_TRUE(found) << "those that wait are root, the one of the run must not be";

  ASSERT_EQ(ordinary.size(), 1u);
  const std::string kill_read_and_own = "000000000000002c";  // capabilities(7): 5, 2 and 3
  EXPECT_TRUE(eventually([&] { return status_of(ordinary[0], "CapEff") == kill_read_and_own; }));
  EXPECT_EQ(status_of(ordinary[0], "CapPrm"), kill_read_and_own);
  EXPECT_EQ(status_of(ordinary[0], "CapBnd"), kill_read_and_own);
  EXPECT_EQ(status_of(ordinary[0], "NoNewPrivs"), "1");
  run.cancel();
}

TEST_F(PodsPidOne, KillsWhatTheProgramLeft) {
  make({small_pool(1)});

  const auto run = this->run(pod_program(
      "import ctypes, os, time\nhere, there = os.pipe()\n"
      "if os.fork() == 0:\n    os.setsid()\n"
      "    ctypes.CDLL(None).prctl(15, b'left-behind')  # PR_SET_NAME\n"
      "    os.write(there, b'1')\n    time.sleep(1000)\nos.read(here, 1)\nprint('left')"));

  EXPECT_EQ(run->out, "left\n") << run->err;
  const auto is_left = [](const ProcessInfo& process) {
    return process.name == "left-behind" && process.state != 'Z';
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::none_of(all_processes(), is_left); }));
}

TEST_F(PodsPidOne, LeavesAPodThatIsDoneAsleepForAMomentOnly) {
  make({small_pool(1)});

  const auto run = this->run(pod_program(
      "import ctypes\nctypes.CDLL(None).prctl(15, b'done-asleep')  # PR_SET_NAME\nprint('done')"));

  EXPECT_EQ(run->out, "done\n") << run->err;
  const auto lives = [](const ProcessInfo& process) {
    return process.name == "done-asleep" && process.state != 'Z';
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::none_of(all_processes(), lives); }));
}

}  // namespace
}  // namespace podium::sandbox
