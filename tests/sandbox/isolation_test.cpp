// What user code can see and do: groups K, F, T and R of the list of hostile inputs, at the level
// of the sandbox itself.

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "spawner_process.hpp"

namespace podium::sandbox {
namespace {

using Isolation = SandboxTest;

std::string host_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Python that prints the errno name of each call, or what it returned.
std::string with_syscalls(const std::string& body) {
  return "import ctypes, errno, os, socket\n"
         "libc = ctypes.CDLL(None, use_errno=True)\n"
         "def call(name, number, *args):\n"
         "    ctypes.set_errno(0)\n"
         "    r = libc.syscall(number, *args)\n"
         "    print(name, 'ok' if r >= 0 else errno.errorcode[ctypes.get_errno()])\n" +
         body;
}

TEST_F(Isolation, HidesTheHostsFiles) {
  const auto run = this->run(Program::bash(
      "for p in /root /home /var /sys /run /boot /opt /srv /etc/shadow /.podium/runs; do "
      "ls \"$p\" >/dev/null 2>&1 && echo \"$p\"; done; ls /; cat /etc/passwd | wc -l"));

  EXPECT_EQ(run->out.find("/root"), std::string::npos) << run->out;
  EXPECT_EQ(run->out.find("/var"), std::string::npos) << run->out;
  EXPECT_EQ(run->out.find("/.podium"), std::string::npos) << run->out;
  EXPECT_EQ(run->out.find("/sys"), std::string::npos) << run->out;
  EXPECT_NE(run->out.find("\n2\n"), std::string::npos) << run->out;
}

TEST_F(Isolation, CannotWriteOutsideItsOwnTmpfs) {
  const auto run = this->run(Program::bash(
      "for p in / /usr /etc /mnt /dev /proc/sys/kernel /usr/lib; do "
      "(echo x > \"$p/hack\") 2>/dev/null && echo \"wrote $p\"; done; "
      "(echo 0 > /proc/sys/kernel/randomize_va_space) 2>/dev/null && echo sysctl; "
      "(echo 1 > /proc/sysrq-trigger) 2>/dev/null && echo sysrq; "
      "for p in /tmp /dev/shm /mnt/data; do echo x > $p/fine || echo \"not $p\"; done"));

  EXPECT_EQ(run->out, "") << run->err;
}

TEST_F(Isolation, RunsAsAnUnprivilegedUserWithoutCapabilities) {
  const auto run = this->run(
      Program::bash("grep -E '^(Uid|Cap[A-Za-z]+|NoNewPrivs|Seccomp):' /proc/self/status"));

  EXPECT_EQ(run->out.find("Uid:\t0"), std::string::npos);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(run->out.find(std::string(set) + ":\t0000000000000000"), std::string::npos)
        << run->out;
  }
  EXPECT_NE(run->out.find("NoNewPrivs:\t1"), std::string::npos) << run->out;
  EXPECT_NE(run->out.find("Seccomp:\t2"), std::string::npos) << run->out;
}

TEST_F(Isolation, HasNoDescriptorsButTheThreeStreams) {
  const auto run = this->run(
      Program::python("import os\nprint(sorted(int(f) for f in os.listdir('/proc/self/fd')))"));

  EXPECT_EQ(run->out, "[0, 1, 2, 3]\n");  // 3 is the listing itself
}

TEST_F(Isolation, SeesOnlyItsOwnProcessesAndIsNotPidOne) {
  const auto run =
      this->run(Program::bash("ls -d /proc/[0-9]* | wc -l; echo $$; cat /proc/1/comm; "
                              "ls /proc/1/fd 2>&1 | grep -c denied; "
                              "cat /proc/1/environ 2>&1 | grep -c denied"));

  std::istringstream lines(run->out);
  int processes = 0, pid = 0;
  lines >> processes >> pid;
  EXPECT_LE(processes, 6) << run->out;
  EXPECT_NE(pid, 1);
  EXPECT_NE(run->out.find("podium-init\n1\n1\n"), std::string::npos) << run->out;
}

TEST_F(Isolation, HidesThePathOfItsGroup) {
  const auto run = this->run(Program::bash("cat /proc/self/cgroup"));

  EXPECT_EQ(run->out.find("podium"), std::string::npos) << run->out;
}

TEST_F(Isolation, CannotHurtPidOne) {
  const auto run = this->run(
      Program::python("import os, signal, resource\n"
                      "for s in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):\n"
                      "    try: os.kill(1, s); print('sent')\n"
                      "    except PermissionError: print('refused')\n"
                      "try: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0)); print('limited')\n"
                      "except PermissionError: print('refused')\n"));

  EXPECT_EQ(run->out, "refused\nrefused\nrefused\nrefused\n") << run->err;
  EXPECT_EQ(run->end.exit_code, 0);
}

TEST_F(Isolation, RefusesTheKernelsRareCorners) {
  const auto run = this->run(Program::python(
      with_syscalls("call('ptrace', 101, 0, 0, 0, 0)\n"
                    "call('process_vm_readv', 310, os.getpid(), 0, 0, 0, 0, 0)\n"
                    "call('io_uring_setup', 425, 1, 0)\ncall('bpf', 321, 0, 0, 0)\n"
                    "call('perf_event_open', 298, 0, 0, -1, -1, 0)\ncall('userfaultfd', 323, 0)\n"
                    "call('keyctl', 250, 0, 0)\ncall('unshare', 272, 0x10000000)\n"
                    "call('clone', 56, 0x10000000 | 17, 0, 0, 0, 0)\n"
                    "call('setns', 308, 0, 0)\ncall('mount', 165, b'x', b'/tmp', b'tmpfs', 0, 0)\n"
                    "call('pivot_root', 155, b'/', b'/')\ncall('open_tree', 428, -100, b'/', 1)\n"
                    "call('fsopen', 430, b'tmpfs', 0)\ncall('pidfd_getfd', 438, 0, 0, 0)\n"
                    "call('x32 getpid', 0x40000000 | 39)\n")));

  std::istringstream lines(run->out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(line.ends_with(" EPERM")) << line;
  }
  EXPECT_EQ(count, 16) << run->out << run->err;
}

TEST_F(Isolation, RefusesRareAndRawSockets) {
  const auto run = this->run(Program::python(
      "import socket\n"
      "for family, kind in ((16, 3), (17, 3), (38, 5), (40, 1), (2, 3), (10, 3), (3, 2),\n"
      "                     (2, 6), (10, 6), (2, 4), (1, 3), (2, 0o4006)):\n"
      "    try: socket.socket(family, kind); print('opened', family)\n"
      "    except PermissionError: pass\n"
      "for family, kind in ((1, 1), (2, 1), (2, 2), (10, 1)): socket.socket(family, kind)\n"
      "print('ordinary ones work')"));

  EXPECT_EQ(run->out, "ordinary ones work\n") << run->err;
}

TEST_F(Isolation, RefusesCallsThatLibseccompHasNoNamesFor) {
  const auto run = this->run(Program::python(with_syscalls(
      "call('statmount', 457, 0, 0, 0, 0)\ncall('listmount', 458, 0, 0, 0, 0)\n"
      "call('open_tree_attr', 467, -100, b'/tmp', 1, 0, 0)\ncall('of a later kernel', 600)\n")));

  EXPECT_EQ(run->out,
            "statmount ENOSYS\nlistmount ENOSYS\nopen_tree_attr ENOSYS\n"
            "of a later kernel ENOSYS\n")
      << run->err;
}

TEST_F(Isolation, LoadsNoRareProtocols) {
  const auto run = this->run(Program::python(
      "import socket\n"
      "for family in (socket.AF_INET, socket.AF_INET6):\n"
      "    for kind, protocol in ((1, 132), (2, 136), (1, 262), (2, 115), (2, 1)):\n"
      "        try: socket.socket(family, kind, protocol); print('opened', protocol)\n"
      "        except OSError as e: assert e.errno == 93, e\n"
      "for kind, protocol in ((1, 0), (1, 6), (2, 0), (2, 17)): socket.socket(2, kind, protocol)\n"
      "print('ordinary ones work')"));

  EXPECT_EQ(run->out, "ordinary ones work\n") << run->err;
}

TEST_F(Isolation, HidesWherePodiumKeepsItsFiles) {
  const auto run = this->run(Program::bash("tr -d '\\0' < /proc/1/cmdline | wc -c"));

  EXPECT_EQ(run->out, "0\n");
}

TEST_F(Isolation, CannotChangeWhoDiesFirstWhenMemoryIsShort) {
  const auto run = this->run(Program::bash(
      "(echo 0 > /proc/self/oom_score_adj) 2>/dev/null; cat /proc/self/oom_score_adj"));

  EXPECT_EQ(run->out, "1000\n");
}

TEST_F(Isolation, OpensItsStreamsByNameButNotTheOtherWay) {
  Program program = Program::bash(
      "echo named > /dev/stderr; tr a-z A-Z < /dev/stdin > /dev/stdout; "
      "(exec 3< /dev/stdout) 2>/dev/null && echo read; "
      "(exec 3> /dev/stdin) 2>/dev/null && echo wrote; true");
  program.input = "given\n";

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "GIVEN\n");
  EXPECT_EQ(run->err, "named\n");
}

TEST_F(Isolation, FindsNoTraceOfAnEarlierRunInItsNetwork) {
  for (int round = 0; round < 4; ++round) {
    run(
        Program::python("import socket\n"
                        "l = socket.create_server(('127.0.0.1', 31999))\n"
                        "c = socket.create_connection(l.getsockname()); s, _ = l.accept()\n"
                        "s.close(); c.close()"));

    const auto next = run(Program::bash("tail -n +2 /proc/net/tcp"));

    EXPECT_EQ(next->out, "");
  }
}

TEST_F(Isolation, HasNoNetworkButItsOwnLoopback) {
  const auto run = this->run(Program::python(
      "import socket\n"
      "for address in (('169.254.169.254', 80), ('10.0.0.1', 80), ('8.8.8.8', 53)):\n"
      "    try: socket.create_connection(address, 2); print('reached', address)\n"
      "    except OSError: pass\n"
      "s = socket.create_server(('127.0.0.1', 0))\n"
      "socket.create_connection(s.getsockname(), 2)\nprint('loopback')"));

  EXPECT_EQ(run->out, "loopback\n") << run->err;
}

TEST_F(Isolation, CannotReachTheHostsAbstractSockets) {
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, "\0podium-test", 12);
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t) + 12), 0);
  ASSERT_EQ(::listen(server, 1), 0);

  const auto run = this->run(Program::python(
      "import socket\ns = socket.socket(socket.AF_UNIX)\n"
      "try: s.connect('\\0podium-test'); print('reached')\nexcept OSError: print('refused')"));
  ::close(server);

  EXPECT_EQ(run->out, "refused\n");
}

TEST_F(Isolation, LeavesNothingForTheNextRun) {
  run(Program::bash("echo secret > /tmp/a; echo secret > /dev/shm/b; echo secret > c; umask 0"));

  const auto next = run(Program::bash("ls -A /tmp /dev/shm /mnt/data /mnt/code; umask"));

  EXPECT_EQ(next->out.find("a\n"), std::string::npos) << next->out;
  EXPECT_NE(next->out.find("main.sh"), std::string::npos);
  EXPECT_NE(next->out.find("0022"), std::string::npos);
}

TEST_F(Isolation, KillsWhatDoubleForksAndIgnoresSignals) {
  const auto run = this->run(Program::python(
      "import os, signal, time\n"
      "for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n"
      "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    "
      "os._exit(0)\n"
      "print('left')"));

  EXPECT_EQ(run->out, "left\n");
  EXPECT_EQ(run->end.exit_code, 0);
}

TEST_F(Isolation, EndsAForkBombAndSaysSo) {
  Program program = Program::bash(":(){ :|:& };:; sleep 3");
  program.limits.processes = 64;
  program.limits.wall_ms = 4000;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_PROCESSES);
}

TEST_F(Isolation, KillsAllChildrenTogetherWhenTheirMemoryIsTooMuch) {
  Program program = Program::python(
      "import os, time\n"
      "for i in range(16):\n"
      "    if os.fork() == 0:\n        x = bytearray(b'x' * (40 << 20)); time.sleep(100)\n"
      "time.sleep(100)");
  program.limits.memory_bytes = 128u << 20;
  program.limits.wall_ms = 60'000;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_MEMORY);
  EXPECT_LT(run->end.wall_us, 30'000'000) << "its children sleep for 100 s";
}

TEST_F(Isolation, ChargesMemoryFilesToTheRun) {
  for (const char* path : {"/dev/shm/x", "/tmp/x"}) {
    Program program = Program::bash(std::string("head -c 200000000 /dev/zero > ") + path);
    program.limits.memory_bytes = 64u << 20;
    program.limits.workspace_bytes = 400u << 20;

    const auto run = this->run(program);

    EXPECT_EQ(run->end.limit, PODIUM_LIMIT_MEMORY) << path;
  }
}

TEST_F(Isolation, NamesAFileThatIsTooLarge) {
  Program program = Program::bash("truncate -s 100G huge");
  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_DISK) << run->err;
}

TEST_F(Isolation, BoundsTheNumberOfFiles) {
  Program program = Program::bash("for i in $(seq 5000); do : > f$i || exit 1; done");
  program.limits.workspace_files = 500;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_DISK) << run->err.substr(0, 200);
}

TEST_F(Isolation, KeepsTheProcessorShare) {
  Program program = Program::python(
      "import threading, time, os\n"
      "t = time.time()\n"
      "ps = []\n"
      "for i in range(4):\n"
      "    p = os.fork()\n"
      "    if p == 0:\n        while time.time() - t < 2: pass\n        os._exit(0)\n"
      "    ps.append(p)\n"
      "for p in ps: os.waitpid(p, 0)");
  program.limits.cpu_millis = 500;

  const auto run = this->run(program);

  // Of the time by the same clock: what the machine adds to the one it adds to the other.
  EXPECT_LT(run->end.cpu_us, run->end.wall_us * 8 / 10)
      << "four spinning processes for 2 s at half a core";
}

TEST_F(Isolation, LeavesTheHostAsItWas) {
  run(Program::bash("true"));
  // This spawner's alone: others may come and go at the same time.
  const auto groups = [base = "podium-" + std::to_string(spawner_->pid())]() -> std::size_t {
    for (;;) {
      std::size_t count = 0;
      try {
        for (const auto& entry : std::filesystem::recursive_directory_iterator("/sys/fs/cgroup")) {
          count += entry.path().parent_path().filename() == base && entry.is_directory() ? 1 : 0;
        }
        return count;
      } catch (const std::filesystem::filesystem_error&) {
        // Removed while it was looked at: from the start again.
      }
    }
  };
  ASSERT_GT(groups(), 0u);
  const auto mounts = host_file("/proc/self/mountinfo");
  const auto before = groups();

  for (int i = 0; i < 50; ++i) run(Program::bash("(sleep 100 &); echo x > f"));

  EXPECT_EQ(host_file("/proc/self/mountinfo"), mounts);
  // Dead ones are cleared away a little later. Those that wait stay, three or four groups each.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (groups() > before + 24 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LE(groups(), before + 24);
}

}  // namespace
}  // namespace podium::sandbox
