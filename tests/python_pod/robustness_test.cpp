// Pods, zygotes and spawners that die at every moment, and programs that want to harm those who
// run them.

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>

#include "pod_fixture.hpp"
#include "support/stalls.hpp"

namespace podium::sandbox {
namespace {

class PodRobustness : public PodTest {
 protected:
  /// The processes of a pool of one pod, whose pid 1 hears nothing before SIGCONT.
  Family one_with_pid_one_stopped() {
    make({small_pool(1)});
    Family family = this->family(1);
    for (const pid_t init : family.inits) ::kill(init, SIGSTOP);
    return family;
  }
};

/// A step's name and number, as Python.
std::string constant(const char* name, Step step) {
  return std::string(name) + " = " + std::to_string(static_cast<unsigned>(step)) + "\n";
}

/// Python that finds the pod's own socket as `step`, the way a hostile program would.
const std::string kFindsSocket =
    constant("WAITING", Step::kWaiting) + constant("COMPILING", Step::kCompiling) +
    constant("COMPILED", Step::kCompiled) + constant("RUNNING", Step::kRunning) +
    constant("COMPILE_FAILED", Step::kCompileFailed) + constant("EXEC_FAILED", Step::kExecFailed) +
    constant("DONE", Step::kDone) + constant("PREPARED", Step::kPrepared) +
    "import os, socket, stat, struct, time\n"
    "def is_socket(fd):\n"
    "    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)\n"
    "    except OSError: return False\n"
    "step = next(fd for fd in range(3, 70000) if is_socket(fd))\n"
    "s = socket.socket(fileno=os.dup(step))\n"
    "def say(kind, value=0): s.send(struct.pack('Ii', kind, value))\n";

/// Python that gives its process this name, as proc_pid_comm(5) shows it.
std::string renames(const char* name) {
  return std::string("import ctypes\nctypes.CDLL(None).prctl(15, b'") + name + "')\n";
}

/// Whether the process of this name sleeps in this system call.
bool sleeps_in(pid_t pid, const std::string& name, long call) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::string is;
  long in = -1;
  std::getline(std::ifstream(folder + "/comm"), is);
  return is == name && std::ifstream(folder + "/syscall") >> in && in == call;
}

bool is_dead(pid_t pid) {
  const auto all = all_processes();
  return std::ranges::none_of(all, [&](const auto& p) { return p.pid == pid && p.state != 'Z'; });
}

TEST_F(PodRobustness, ReplacesPodsThatDieWhileIdle) {
  make({small_pool(3)});
  const auto family = this->family(3);

  for (const pid_t pod : family.pods) ::kill(pod, SIGKILL);

  EXPECT_TRUE(eventually([&] { return sandboxes_->state(0).deaths == 3; }));
  EXPECT_TRUE(full());
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, TriesAnotherPodUnseenWhenOneDiesBetweenAcquireAndDispatch) {
  make({small_pool(1)});
  const auto family = this->family(1);
  ASSERT_EQ(family.inits.size(), 1u);
  // Its pid 1 cannot tell that it died until the run is already on its way.
  ::kill(family.inits[0], SIGSTOP);
  ::kill(family.pods[0], SIGKILL);

  Recorded run;
  run.start(*sandboxes_, pod_program("print('once')"));
  ::kill(family.inits[0], SIGCONT);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
  EXPECT_EQ(run.out, "once\n");
  EXPECT_EQ(run.end.exit_code, 0) << "signal " << run.end.signal << ", limit " << run.end.limit;
}

TEST_F(PodRobustness, TriesAnotherPodUnseenWhenPidOneDiesBetweenAcquireAndDispatch) {
  const auto family = one_with_pid_one_stopped();
  ASSERT_EQ(family.inits.size(), 1u);
  // With other limits than the pod's it is not a straight run: of such a one nobody would know
  // whether it had begun.
  Program program = pod_program("print('once')");
  program.limits.processes = 100;

  Recorded run;
  run.start(*sandboxes_, program);
  ::kill(family.inits[0], SIGKILL);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
  EXPECT_EQ(run.out, "once\n");
}

TEST_F(PodRobustness, GivesNoOtherPodARunThatHadBegunWhenPidOneDied) {
  const auto family = one_with_pid_one_stopped();
  ASSERT_EQ(family.inits.size(), 1u);

  Recorded run;
  run.start(*sandboxes_, pod_program(renames("began") + "import time\ntime.sleep(1000)"));
  ASSERT_TRUE(eventually([&] { return sleeps_in(family.pods[0], "began", SYS_clock_nanosleep); }));
  ::kill(family.inits[0], SIGKILL);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_INTERNAL) << run.out;
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, TellsAWholeRunThatPidOneSleptThrough) {
  const auto family = one_with_pid_one_stopped();
  ASSERT_EQ(family.inits.size(), 1u);

  Recorded run;
  run.start(*sandboxes_, pod_program(renames("done") + "print('alone')\nraise SystemExit(7)"));
  ASSERT_TRUE(eventually([&] { return sleeps_in(family.pods[0], "done", SYS_poll); }));
  ::kill(family.inits[0], SIGCONT);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
  EXPECT_EQ(run.end.exit_code, 7);
  EXPECT_EQ(run.out, "alone\n");
}

TEST_F(PodRobustness, TellsTheSignalOfARunThatDiedWhilePidOneSlept) {
  const auto family = one_with_pid_one_stopped();
  ASSERT_EQ(family.inits.size(), 1u);

  Recorded run;
  run.start(*sandboxes_, pod_program("print('last words', flush=True)\n"
                                     "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"));
  ASSERT_TRUE(eventually([&] { return is_dead(family.pods[0]); }));
  ::kill(family.inits[0], SIGCONT);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
  EXPECT_EQ(run.end.signal, SIGKILL);
  EXPECT_EQ(run.out, "last words\n");
}

// The process between the zygote and the pod is one: it may be there for long when the zygote is
// busy.
TEST_F(PodRobustness, TellsTheExitCodeWhenAProcessThatIsNoneOfItsOwnIsInTheSandbox) {
  make({small_pool(1)});
  const auto family = this->family(1);
  ASSERT_EQ(family.inits.size(), 1u);
  const std::string name = "/proc/" + std::to_string(family.inits[0]) + "/ns/pid";
  const int space = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  int entered[2];
  ASSERT_EQ(::pipe2(entered, O_CLOEXEC), 0);
  const pid_t outside = ::fork();
  if (outside == 0) {
    if (::setns(space, CLONE_NEWPID) == 0 && ::fork() == 0) {
      const ssize_t ignored = ::write(entered[1], "x", 1);
      static_cast<void>(ignored);
    }
    for (;;) ::pause();  // and it does not wait for its child
  }
  ::close(space);
  char in = 0;
  ASSERT_EQ(::read(entered[0], &in, 1), 1);

  const auto run = this->run(pod_program("import os\nos._exit(5)"));

  EXPECT_EQ(run->end.exit_code, 5) << run->message;
  for (const int fd : entered) ::close(fd);
  ::kill(outside, SIGKILL);
  ::waitpid(outside, nullptr, 0);
}

// The health check may have asked before the run came, and pid 1 hears one word at a time.
TEST_F(PodRobustness, TellsARunThatEndedWhilePidOneHadAPingToAnswerFirst) {
  for (const char* end : {"raise SystemExit(5)", "import os\nos._exit(5)"}) {
    PoolOptions pool = small_pool(1);
    pool.ping_interval = std::chrono::milliseconds(1);
    make({pool});
    Family family;  // without what is left of the round before
    ASSERT_TRUE(eventually([&] {
      family = this->family(1);
      return family.inits.size() == 1;
    }));
    ::kill(family.inits[0], SIGSTOP);
    // One or two looks at the health of all, once a second; the third would give it up.
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));

    Recorded run;
    run.start(*sandboxes_, pod_program(renames("done") + "print('once')\n" + end));
    ASSERT_TRUE(eventually(
        [&] { return is_dead(family.pods[0]) || sleeps_in(family.pods[0], "done", SYS_poll); }));
    ::kill(family.inits[0], SIGCONT);
    run.wait();

    EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
    EXPECT_EQ(run.end.exit_code, 5) << end;
    EXPECT_EQ(run.out, "once\n");
    EXPECT_FALSE(logged("trying another"));
    EXPECT_GT(run.end.cpu_us, 0);
    run.release();
    sandboxes_.reset();
  }
}

TEST_F(PodRobustness, AppliesOtherLimitsThanThoseOfThePodBeforeTheProgramBegins) {
  make({small_pool(1)});
  Program program = pod_program(
      "import os, signal\nmade = 0\ntry:\n"
      "  while made < 40:\n    if os.fork() == 0: signal.pause()\n    made += 1\n"
      "except OSError: pass\nprint(made < 20)");
  program.limits.processes = 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "True\n") << run->err << run->message;
  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_PROCESSES);
}

TEST_F(PodRobustness, GivesNoOtherPodARunThatASignalForItsProgramEnded) {
  make({small_pool(2)});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(full());
    Recorded run;
    run.start(*sandboxes_, pod_program("while True: pass"));
    EXPECT_TRUE(eventually([&] {
      try {
        run.signal(SIGTERM);
      } catch (const sdk::Error&) {
        return false;  // "the program has not begun yet"
      }
      return true;
    }));
    run.wait();

    EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
    EXPECT_EQ(run.end.signal, SIGTERM)
        << "limit " << run.end.limit << ", exit code " << run.end.exit_code << ": " << run.err;
  }
}

TEST_F(PodRobustness, TellsTheSignalWhenAPodIsKilledInTheMiddleOfARun) {
  make({small_pool(1)});
  ASSERT_TRUE(full());
  Recorded run;
  run.start(*sandboxes_, pod_program("print('began')\nimport time\ntime.sleep(1000)"));
  run.wait_for_output("began\n");
  const auto family = Family::of(spawner_->pid());

  // The one that works: of the waiting ones none has written.
  for (const pid_t pod : family.pods) ::kill(pod, SIGKILL);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK);
  EXPECT_EQ(run.end.signal, SIGKILL);
  EXPECT_EQ(run.out, "began\n");
}

TEST_F(PodRobustness, FailsTheRunOfASandboxWhosePidOneIsKilled) {
  make({small_pool(1)});
  const auto family = this->family(1);  // without the one that is made while the run goes
  Recorded run;
  run.start(*sandboxes_, pod_program("print('began')\nimport time\ntime.sleep(1000)"));
  run.wait_for_output("began\n");

  for (const pid_t init : family.inits) ::kill(init, SIGKILL);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_INTERNAL);
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, StartsAnotherZygoteWhenOneDies) {
  make({small_pool(1)});
  ASSERT_TRUE(full());

  for (const pid_t zygote : Family::of(spawner_->pid()).zygotes) ::kill(zygote, SIGKILL);

  ASSERT_TRUE(eventually([&] { return logged("zygote bare ended"); }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, RecoversWhenEveryPodAndZygoteIsKilledUnderLoad) {
  make({small_pool(4)});
  ASSERT_TRUE(full());
  std::atomic<bool> stop{false};
  std::atomic<int> good{0}, told{0}, wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        Recorded run;
        run.start(*sandboxes_, pod_program("print('x' * 100)"));
        run.wait();
        if (run.end.code == PODIUM_OK && run.end.exit_code == 0) {
          ++(run.out == std::string(100, 'x') + "\n" ? good : wrong);
        } else {
          ++(run.end.code == PODIUM_INTERNAL || run.end.signal == SIGKILL ? told : wrong);
        }
      }
    });
  }

  for (int round = 0; round < 5; ++round) {
    const int before = good;
    EXPECT_TRUE(eventually([&] { return good > before + 10; })) << "round " << round;
    const auto family = Family::of(spawner_->pid());
    for (const auto* group : {&family.zygotes, &family.pods, &family.inits}) {
      for (const pid_t pid : *group) ::kill(pid, SIGKILL);
    }
  }
  stop = true;
  for (auto& client : clients) client.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(output("print(1)"), "1\n");
  EXPECT_TRUE(full());
}

TEST_F(PodRobustness, ServesWaitingPodsWhileTheSpawnerIsGoneAndGoesOnWithTheNext) {
  make({small_pool(2)});
  ASSERT_TRUE(full());

  ::kill(spawner_->pid(), SIGKILL);
  EXPECT_EQ(output("print('from the stock')"), "from the stock\n");
  spawner_->restart();

  for (int i = 0; i < 5; ++i) EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, DoesNotListenToNonsenseOnTheControlSocket) {
  make({small_pool(1)});

  const auto run =
      this->run(pod_program(kFindsSocket +
                            "for junk in (b'x', b'x' * 8, b'x' * 5000, struct.pack('Ii', 99, 1)):\n"
                            "    try: s.send(junk)\n    except OSError as e: print(e)\n"
                            "print('goes on')\nraise SystemExit(3)"));

  EXPECT_EQ(run->end.code, PODIUM_OK) << run->message;
  EXPECT_NE(run->out.find("goes on\n"), std::string::npos) << run->out << run->err;
  EXPECT_EQ(run->end.exit_code, 3);
}

TEST_F(PodRobustness, TakesAnImitatedEndForTheEndOfThatRunAndNothingElse) {
  make({small_pool(1)});

  const auto run = this->run(
      pod_program(kFindsSocket + "print('before')\nsay(DONE, 7)\nopen('/mnt/data/late', 'w')\n"
                                 "while True: print('after'); time.sleep(0.01)"));

  EXPECT_EQ(run->end.code, PODIUM_OK);
  EXPECT_EQ(run->end.exit_code, 7);
  EXPECT_EQ(run->out.find("before\n"), 0u);
  EXPECT_EQ(run->completions, 1);
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, GivesNoTimeToAProgramThatClaimsToCompileOrToBeginAgain) {
  make({small_pool(1)});
  Program program =
      pod_program(kFindsSocket +
                  "while True:\n    try:\n"
                  "        say(COMPILING); say(COMPILED); say(RUNNING); say(COMPILE_FAILED)\n"
                  "        say(EXEC_FAILED, 2); say(WAITING, 77)\n"
                  "    except OSError: time.sleep(0.01)\n");
  program.limits.wall_ms = 300;
  program.limits.compile_wall_ms = 60'000;

  const test::Stalls stalls;
  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_OK) << run->message;
  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_WALL);
  EXPECT_EQ(run->end.phase, PODIUM_PHASE_RUN);
  EXPECT_LT(std::chrono::microseconds(run->end.wall_us), std::chrono::seconds(2) + stalls.lost());
}

TEST_F(PodRobustness, HoldsAgainstAStormOfPacketsWithDescriptors) {
  make({small_pool(2)});

  // Any bytes but a true kDone, descriptors beside them, faster than pid 1 reads.
  for (int seed = 0; seed < 4; ++seed) {
    Program program = pod_program(
        kFindsSocket + "import array, random\nrandom.seed(" + std::to_string(seed) +
        ")\ns.setblocking(False)\n"
        "for _ in range(3000):\n"
        "    junk = random.randbytes(random.choice((0, 1, 7, 8, 9, 64, 4000)))\n"
        "    if len(junk) == 8: junk = struct.pack('Ii', random.choice("
        "(0, WAITING, COMPILING, COMPILED, RUNNING, COMPILE_FAILED, PREPARED, 99)), 77)\n"
        "    fds = array.array('i', [0] * random.randrange(0, 20))\n"
        "    try: s.sendmsg([junk], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else [])\n"
        "    except OSError: pass\n"
        "print('through')\nraise SystemExit(5)");

    const auto run = this->run(program);

    EXPECT_EQ(run->end.code, PODIUM_OK) << run->message;
    EXPECT_EQ(run->out, "through\n") << run->err;
    EXPECT_EQ(run->end.exit_code, 5);
    EXPECT_EQ(run->end.phase, PODIUM_PHASE_RUN);
  }
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, TellsCodeThatDoesNotFitAsTheSendersFaultAsAJobDoes) {
  make({small_pool(1)});
  Program program = pod_program("#" + std::string(3u << 20, 'x'));
  program.limits.workspace_bytes = 1u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(run->message, "the code is longer than what a run may write to files");
  EXPECT_EQ(run->err, "");
}

TEST_F(PodRobustness, EndsAProgramThatClaimsToHaveHadNoRoomAtThatWord) {
  make({small_pool(1)});

  const auto run = this->run(
      pod_program(kFindsSocket + "print('before')\nsay(EXEC_FAILED, 28)\nwhile True: pass"));

  EXPECT_EQ(run->end.code, PODIUM_INVALID_ARGUMENT) << "it can only spoil its own run";
  EXPECT_LT(run->end.wall_us, 5'000'000);
  EXPECT_EQ(output("print(1)"), "1\n");
}

TEST_F(PodRobustness, AnswersAProgramThatClosesEverything) {
  make({small_pool(1)});

  const auto closed =
      this->run(pod_program("import os\nprint('x')\nos.closerange(0, 70000)\nos._exit(4)"));
  const auto reopened = this->run(
      pod_program("import os, socket\nprint('x')\nos.closerange(3, 70000)\n"
                  "kept = [socket.socketpair() for _ in range(100)]\nraise SystemExit(5)"));

  EXPECT_EQ(closed->end.exit_code, 4);
  EXPECT_EQ(closed->out, "x\n");
  EXPECT_EQ(reopened->end.exit_code, 5);
}

TEST_F(PodRobustness, SpeaksToNoSocketThatTookThePlaceOfItsOwn) {
  make({small_pool(1)});

  // What the pod would say at its end arrives nowhere: the program reads the other end after it.
  Program program = pod_program(kFindsSocket +
                                "a, b = socket.socketpair()\nos.dup2(a.fileno(), step)\n"
                                "if os.fork() == 0:\n    a.close(); os.close(step)\n"
                                "    print('heard', b.recv(100), flush=True)\n    os._exit(0)\n"
                                "b.close()\nraise SystemExit(6)");
  program.limits.open_files = 4096;  // as usual its number is out of reach

  const auto run = this->run(program);

  EXPECT_EQ(run->end.exit_code, 6) << run->err;
  EXPECT_EQ(run->out.find("heard b'\\x06"), std::string::npos) << run->out;
}

TEST_F(PodRobustness, LeavesNoProcessOfAProgramThatForksAndOutlives) {
  make({small_pool(1)});
  ASSERT_TRUE(full());
  const test::Stalls stalls;
  const auto began = std::chrono::steady_clock::now();

  const auto run = this->run(pod_program(
      "import os, signal, time\n"
      "for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n"
      "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
      "        while True: time.sleep(1000)\n    os._exit(0)\nprint('left')"));

  EXPECT_EQ(run->out, "left\n");
  EXPECT_EQ(run->end.exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5) + stalls.lost());
  run->release();
  ASSERT_TRUE(full());
  EXPECT_TRUE(eventually([&] { return Family::of(spawner_->pid()).pods.size() <= 1; }));
}

TEST_F(PodRobustness, Serves300ClientsFromAPoolOf4) {
  make({small_pool(4)});
  std::vector<std::unique_ptr<Recorded>> runs;

  for (int i = 0; i < 300; ++i) {
    runs.push_back(std::make_unique<Recorded>());
    runs.back()->start(*sandboxes_, pod_program("print(" + std::to_string(i) + ")"));
  }

  for (int i = 0; i < 300; ++i) {
    runs[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(runs[static_cast<std::size_t>(i)]->out, std::to_string(i) + "\n");
    runs[static_cast<std::size_t>(i)]->release();
  }
  EXPECT_TRUE(full());
  EXPECT_TRUE(eventually([&] { return Family::of(spawner_->pid()).pods.size() == 4; }));
}

TEST_F(PodRobustness, LeavesARunToTheNextRuntimeWhenNoPodComesInTime) {
  PoolOptions pool = small_pool(1);
  pool.zygote.interpreter = "/bin/cat";  // never says that it is ready
  pool.acquire_timeout = std::chrono::milliseconds(150);
  make({pool});
  const test::Stalls stalls;
  const auto began = std::chrono::steady_clock::now();

  const auto run = this->run(pod_program("print(1)"));

  EXPECT_EQ(run->end.code, PODIUM_UNAVAILABLE);
  EXPECT_EQ(run->completions, 1);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, std::chrono::milliseconds(140));
  EXPECT_LT(took, std::chrono::milliseconds(900) + stalls.lost())
      << "it waits for the time itself, not for a tick";
  EXPECT_EQ(sandboxes_->state(0).timeouts, 1u);
}

TEST_F(PodRobustness, EndsAtOnceWhenCancelledWhileItWaitsOrRuns) {
  PoolOptions never = small_pool(1);
  never.zygote.interpreter = "/bin/cat";
  make({small_pool(1), never});
  Recorded running, waiting;
  running.start(*sandboxes_, pod_program("print('began')\nwhile True: pass"), 0);
  running.wait_for_output("began\n");
  waiting.start(*sandboxes_, pod_program("print(1)"), 1);

  running.cancel();
  waiting.cancel();
  running.wait();
  waiting.wait();

  EXPECT_EQ(running.end.code, PODIUM_CANCELLED);
  EXPECT_EQ(waiting.end.code, PODIUM_CANCELLED);
}

TEST_F(PodRobustness, GivesUpAStuckSandboxAndItsRun) {
  make({small_pool(1)});
  const auto family = this->family(1);
  ASSERT_EQ(family.inits.size(), 1u);

  ::kill(family.inits[0], SIGSTOP);
  Recorded run;
  run.start(*sandboxes_, pod_program("print(1)"));
  run.cancel();  // two seconds later the spawner kills it
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_CANCELLED);
}

}  // namespace
}  // namespace podium::sandbox
