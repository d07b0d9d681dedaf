// What a process forked from a running interpreter could wrongly share with its siblings or show of
// its parent: each caveat of the design has a test.

#include <sys/mman.h>

#include <set>

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

using PodCaveats = PodTest;

/// A zygote's script with `line` put before it begins to serve.
std::shared_ptr<const sdk::Descriptor> script_with(const std::string& line) {
  std::ifstream in(PODIUM_POD_FILES "/zygote.py");
  std::string text(std::istreambuf_iterator<char>(in), {});
  text.insert(text.rfind("podium_pod.serve("), line + "\n");
  auto memory = std::make_shared<const sdk::Descriptor>(::memfd_create("script", MFD_CLOEXEC));
  EXPECT_EQ(::write(memory->get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return memory;
}

TEST_F(PodCaveats, EveryPodHasRandomStatesOfItsOwn) {
  make({small_pool(3, "numpy")});
  const std::string code =
      "import random, uuid, secrets, tempfile, os, numpy\n"
      "print(random.random(), random.SystemRandom().random(), uuid.uuid4(), secrets.token_hex(4))\n"
      "print(numpy.random.rand(), numpy.random.randint(1 << 60))\n"
      "print(numpy.random.default_rng().random(), next(tempfile._get_candidate_names()))\n"
      "import multiprocessing\nprint(multiprocessing.current_process().authkey)\n"
      "import ssl\nprint(ssl.RAND_bytes(8))\n";

  std::multiset<std::string> lines;
  for (int i = 0; i < 3; ++i) {
    std::istringstream out(output(code));
    for (std::string line; std::getline(out, line);) lines.insert(line);
  }

  EXPECT_EQ(lines.size(), 15u);
  for (const auto& line : lines) EXPECT_EQ(lines.count(line), 1u) << line;
}

TEST_F(PodCaveats, AddressesAndHashSeedsDifferBetweenZygotes) {
  PoolOptions pool = small_pool(1);
  pool.zygote.recycle_after = 1;  // each pod from another one
  make({pool});
  const std::string code =
      "import ctypes\nprint(hash('x'))\n"
      "print(ctypes.cast(ctypes.CDLL(None).printf, ctypes.c_void_p).value)\n"
      "print([l for l in open('/proc/self/maps') if '[stack]' in l])\n";

  std::set<std::string> seeds, bases, stacks;
  std::uint64_t recycles = 0;
  for (int i = 0; i < 4; ++i) {
    std::istringstream out(output(code));
    std::string seed, base, stack;
    std::getline(out, seed) && std::getline(out, base) && std::getline(out, stack);
    seeds.insert(seed);
    bases.insert(base);
    stacks.insert(stack);
    ASSERT_TRUE(eventually([&] { return sandboxes_->state(0).recycles > recycles; }));
    recycles = sandboxes_->state(0).recycles;
    ASSERT_TRUE(full());
  }

  EXPECT_GE(seeds.size(), 3u);
  EXPECT_GE(bases.size(), 3u);
  EXPECT_GE(stacks.size(), 3u);
}

TEST_F(PodCaveats, ShowsNothingOfTheZygotesCommandLineAndEnvironment) {
  make({small_pool(1)});

  const std::string out = output(
      "print(open('/proc/self/cmdline').read().split('\\0'))\n"
      "print(open('/proc/self/environ').read().strip('\\0'))\n"
      "import os\nprint(sorted(os.environ))\nos.system('env | sort')\n");

  EXPECT_EQ(out,
            "['/usr/bin/python3', '/mnt/code/main.py', '']\n\n"
            "['HOME', 'LANG', 'MPLBACKEND', 'PATH', 'PYTHONPATH', 'PYTHONUNBUFFERED', 'TMPDIR', "
            "'USER']\n"
            "HOME=/tmp\nLANG=C.UTF-8\nMPLBACKEND=Agg\nPATH=/usr/local/bin:/usr/bin:/bin\n"
            "PWD=/mnt/data\nPYTHONPATH=/mnt/data\nPYTHONUNBUFFERED=1\nTMPDIR=/tmp\nUSER=sandbox\n");
}

TEST_F(PodCaveats, HasTheThreeStreamsAndOneSocketThatIsForNothingElse) {
  make({small_pool(1)});

  const std::string out = output(
      "import os, stat\n"
      "fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))\n"
      "print(fds[:4], len(fds), stat.S_ISSOCK(os.fstat(fds[4]).st_mode))\n"
      "print(os.get_inheritable(fds[4]), fds[4] > 256)\n"
      "import subprocess\n"
      "print(subprocess.run(['ls', '/proc/self/fd'], capture_output=True, "
      "close_fds=False).stdout)\n");

  EXPECT_EQ(out, "[0, 1, 2, 3] 5 True\nFalse True\nb'0\\n1\\n2\\n3\\n'\n");
}

TEST_F(PodCaveats, HasNoRightAtAll) {
  make({small_pool(1)});

  const std::string out = output(
      "for line in open('/proc/self/status'):\n"
      "    if line.startswith(('Cap', 'NoNewPrivs', 'Seccomp:', 'Threads', 'Uid', 'Groups')):\n"
      "        print(line.strip().replace('\\t', ' '))\n");

  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(out.find(std::string(set) + ": 0000000000000000"), std::string::npos) << out;
  }
  EXPECT_NE(out.find("NoNewPrivs: 1"), std::string::npos) << out;
  EXPECT_NE(out.find("Seccomp: 2"), std::string::npos) << out;
  EXPECT_NE(out.find("Threads: 1"), std::string::npos) << out;
  EXPECT_EQ(out.find("Uid: 0"), std::string::npos) << out;
  EXPECT_NE(out.find("Groups:\n"), std::string::npos) << out;
}

TEST_F(PodCaveats, HidesThePathOfItsGroup) {
  make({small_pool(1)});

  EXPECT_EQ(output("print(open('/proc/self/cgroup').read())").find("podium"), std::string::npos);
}

TEST_F(PodCaveats, IsNotPidOneAndAloneWithIt) {
  make({small_pool(1)});

  const std::string out = output(
      "import os\n"
      "print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == [1, os.getpid()])\n"
      "print(open('/proc/1/comm').read().strip(), os.getppid())\n"
      "try: os.kill(1, 9)\nexcept PermissionError: print('refused')\n");

  EXPECT_EQ(out, "True\npodium-init 1\nrefused\n");
}

TEST_F(PodCaveats, SeesTheFilesOfASandboxAndNotTheZygotes) {
  make({small_pool(1)});

  const std::string out = output(
      "import os\n"
      "print(os.listdir('/mnt/code'), os.listdir('/tmp'), os.listdir('/dev/shm'), os.getcwd())\n"
      "for p in ('/root', '/home', '/.podium/runs', '/etc/shadow'):\n"
      "    try: os.listdir(p); print('saw', p)\n"
      "    except OSError: pass\n"
      "for p in ('/usr/x', '/mnt/x', '/etc/x'):\n"
      "    try: open(p, 'w'); print('wrote', p)\n"
      "    except OSError: pass\n"
      "import sys\nprint([m for m in sys.modules if 'podium' in m])\n");

  EXPECT_EQ(out, "['main.py'] [] [] /mnt/data\n[]\n");
}

TEST_F(PodCaveats, RefusesToForkFromAZygoteWithTwoThreadsAndNamesTheTier) {
  PoolOptions pool = small_pool(1);
  pool.tier = "threaded";
  pool.acquire_timeout = std::chrono::milliseconds(500);
  pool.zygote.script =
      script_with("threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()");
  make({pool});

  const auto run = this->run(pod_program("print(1)"));

  EXPECT_EQ(run->end.code, PODIUM_UNAVAILABLE);
  EXPECT_TRUE(eventually(
      [&] { return logged("zygote threaded: it has 2 threads, forking needs exactly one"); }));
}

TEST_F(PodCaveats, ComputesWithOneThreadUntilTheProgramWantsMore) {
  make({small_pool(1, "numpy")});

  EXPECT_EQ(output("import numpy, os\na = numpy.random.rand(300, 300)\n(a @ a).sum()\n"
                   "print(len(os.listdir('/proc/self/task')))"),
            "1\n");
}

TEST_F(PodCaveats, GivesWritableAndQuietFoldersToMatplotlib) {
  make({small_pool(1, "numpy,pandas,matplotlib")});

  const std::string out = output(
      "import matplotlib, os\n"
      "for d in (matplotlib.get_configdir(), matplotlib.get_cachedir()):\n"
      "    open(os.path.join(d, 'x'), 'w').write('x')\n"
      "    print(d)\n");

  EXPECT_EQ(out, "/tmp/.config/matplotlib\n/tmp/.cache/matplotlib\n");
}

TEST_F(PodCaveats, ReapsNothingTwiceWhenAPodIsKilledAndTellsItsTrueEnd) {
  make({small_pool(1)});

  const auto run = this->run(pod_program("import os; os.kill(os.getpid(), 11)"));

  EXPECT_EQ(run->end.signal, SIGSEGV);
  EXPECT_EQ(run->end.exit_code, -1);
}

TEST_F(PodCaveats, LooksAtTheProgramsOwnFilesBeforePreloadedModules) {
  const std::string folder = spawner_->runs() + "/shadowing";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/statistics.py") << "mean = 'my own'\n";
  ::chmod((folder + "/statistics.py").c_str(), 0666);
  make({small_pool(1)});
  Program program = pod_program("import statistics; print(statistics.mean)");
  program.workspace_id = "shadowing";

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "my own\n") << run->err;
}

}  // namespace
}  // namespace podium::sandbox
