// Sandboxes of a spawner that was started by an ordinary user: jobs and pods.

#include <signal.h>

#include "base/user_namespaces.hpp"
#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

constexpr uid_t kUser = 64'321;

class Unprivileged : public PodTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_FAIL() << "this test starts a spawner as another user, as root";
    if (const auto problem = user_namespace_problem()) {
      GTEST_SKIP() << problem->found << "; " << problem->remedy;
    }
    spawner_ = std::make_unique<SpawnerProcess>(kUser);
    PoolOptions job;
    job.limits = kFirstLimits;
    make({job, small_pool(1)});
  }
  /// Those that belong to the user on this host.
  static std::vector<pid_t> processes_of_user() {
    std::vector<pid_t> found;
    for (const auto& p : all_processes()) {
      struct stat info {};
      const std::string path = "/proc/" + std::to_string(p.pid);
      if (p.state != 'Z' && ::stat(path.c_str(), &info) == 0 && info.st_uid == kUser) {
        found.push_back(p.pid);
      }
    }
    return found;
  }
  std::string bash(const std::string& code) {
    const auto run = this->run(Program::bash(code));
    return run->end.code == PODIUM_OK ? run->out : "not run: " + run->message;
  }
};

TEST_F(Unprivileged, RunsJobsAsTheUserWithoutAnyRight) {
  EXPECT_EQ(bash("id -u; echo $$; hostname; grep -c '^Cap.*0000000000000000' /proc/self/status;"
                 "grep NoNewPrivs /proc/self/status; cat /proc/self/uid_map | tr -s ' '"),
            "64321\n2\nsandbox\n5\nNoNewPrivs:\t1\n 64321 64321 1\n");
}

TEST_F(Unprivileged, RunsPodsInTheNamespacesOfTheirSandbox) {
  ASSERT_TRUE(full(1));

  const auto run = this->run(
      pod_program("import os, socket\nprint(os.getuid(), os.getpid() != 1, socket.gethostname(),"
                  " len([p for p in os.listdir('/proc') if p.isdigit()]))"),
      1);

  EXPECT_EQ(run->out, "64321 True sandbox 2\n") << run->err << run->message;
  EXPECT_EQ(run->end.warm, 1u);
}

TEST_F(Unprivileged, HidesTheHostAndTheRunsOfOthers) {
  std::filesystem::create_directory(spawner_->runs() + "/another");
  std::ofstream(spawner_->runs() + "/another/secret") << "x";

  EXPECT_EQ(bash("cat " + spawner_->runs() +
                 "/another/secret 2>&1 | grep -c 'No such';"
                 "chmod 755 /.podium; cat /.podium/runs/another/secret /.podium/proc/1/status"
                 " 2>&1 | grep -c 'No such'; ls /home /root /var 2>&1 | grep -c 'No such';"
                 "touch /usr/x /etc/x 2>&1 | grep -c Read-only"),
            "1\n2\n3\n2\n");
}

TEST_F(Unprivileged, RefusesNamespacesMountsAndTheFirstProcess) {
  EXPECT_EQ(bash("unshare -U true 2>&1 | grep -c 'not permitted'; umount /.podium 2>&1 | grep -c .;"
                 "kill -9 1; echo alive; cat /proc/1/environ 2>&1 | grep -c denied;"
                 "ls /proc/1/fd 2>&1 | grep -c denied"),
            "1\n1\nalive\n1\n1\n");
}

TEST_F(Unprivileged, CountsTheProcessesOfEachSandboxByItself) {
  Program bomb = Program::bash("for i in {1..200}; do sleep 20 & done 2>/dev/null; wait");
  bomb.limits.processes = 40;
  bomb.limits.wall_ms = 4000;
  Recorded first;
  first.start(*sandboxes_, bomb);
  EXPECT_EQ(bash("for i in {1..20}; do sleep 0.1 & done; wait; echo all"), "all\n");
  first.wait();
  EXPECT_LE(processes_of_user().size(), 60u);
}

TEST_F(Unprivileged, MountsTheInputsAndTellsWhatChanged) {
  Program program =
      Program::bash("cat in.txt; echo more >> in.txt; rm gone.txt; echo new > new.txt");
  program.workspace_id = "bbbbbbbbbbbbbbbbbbbbb";
  const std::string folder = spawner_->runs() + "/" + program.workspace_id;
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/in.txt") << "given\n";
  std::ofstream(folder + "/gone.txt") << "x";
  for (const char* file : {"", "/in.txt", "/gone.txt"}) {
    ASSERT_EQ(::chown((folder + file).c_str(), kUser, kUser), 0);
  }

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "given\n") << run->err << run->message;
  ASSERT_GE(run->end.changes, 0);
  std::ifstream original(folder + "/in.txt");
  std::string line;
  std::getline(original, line);
  EXPECT_EQ(line, "given");
  EXPECT_FALSE(std::getline(original, line)) << "the input itself is untouched";
}

TEST_F(Unprivileged, SaysWhatIsWeakerAndWhatIsNotEnforced) {
  EXPECT_NE(sandboxes_->facts().find("\"privileged\":false"), std::string::npos);
  EXPECT_NE(sandboxes_->facts().find("\"weaker\":["), std::string::npos);
  EXPECT_NE(sandboxes_->unenforced().find("memory"), std::string::npos);
}

TEST_F(Unprivileged, LeavesNoProcessWhenTheSpawnerIsKilled) {
  Recorded run;
  run.start(*sandboxes_, Program::bash("setsid sleep 100 & echo started; sleep 100"));
  run.wait_for_output("started");
  ASSERT_FALSE(processes_of_user().empty());

  ::kill(spawner_->pid(), SIGKILL);

  EXPECT_TRUE(eventually([] { return processes_of_user().empty(); }));
  run.wait();
}

}  // namespace
}  // namespace podium::sandbox
