#include <fcntl.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "spawner_process.hpp"
#include "support/stalls.hpp"

namespace podium::sandbox {
namespace {

using SandboxRunTest = SandboxTest;

std::string read_at(int directory, const char* name) {
  const int fd = ::openat(directory, name, O_RDONLY);
  char buffer[4096];
  const ssize_t n = fd < 0 ? -1 : ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  return n < 0 ? "(unreadable)" : std::string(buffer, static_cast<std::size_t>(n));
}

TEST_F(SandboxRunTest, GivesBackBothStreamsAndTheExactExitCode) {
  const auto run = this->run(Program::bash("echo out; echo err >&2; exit 3"));

  EXPECT_EQ(run->end.code, PODIUM_OK);
  EXPECT_EQ(run->out, "out\n");
  EXPECT_EQ(run->err, "err\n");
  EXPECT_EQ(run->end.exit_code, 3);
  EXPECT_EQ(run->end.signal, 0);
  EXPECT_EQ(run->end.changes, -1);
}

TEST_F(SandboxRunTest, PassesArgumentsEnvironmentAndStandardInput) {
  Program program =
      Program::python("import sys, os\nprint(sys.argv[1:], os.environ['COLOR'], sys.stdin.read())");
  program.arguments = {"a b", "c"};
  program.environment = {"COLOR=blue"};
  program.input = std::string(300'000, 'x');

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "['a b', 'c'] blue " + program.input + "\n");
}

TEST_F(SandboxRunTest, TellsTheSignalThatEndedIt) {
  const auto run = this->run(Program::bash("kill -SEGV $$"));

  EXPECT_EQ(run->end.signal, SIGSEGV);
  EXPECT_EQ(run->end.exit_code, -1);
}

TEST_F(SandboxRunTest, TellsArgumentsThatNoProgramCanBeGivenAsTheSendersFault) {
  Program program = Program::bash("true");
  program.arguments = {std::string(200'000, 'x')};

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(run->message, "args and env are longer than this system hands to a program");
}

TEST_F(SandboxRunTest, TellsCodeThatDoesNotFitAsTheSendersFault) {
  Program program = Program::bash("#" + std::string(3u << 20, 'x'));
  program.limits.workspace_bytes = 1u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_INVALID_ARGUMENT);
}

TEST_F(SandboxRunTest, GivesOutWhatTheProgramLockedAway) {
  const auto run = this->run(Program::bash("mkdir d; echo kept > d/f; chmod 0 d/f d /mnt/data"));

  struct stat info {};
  ASSERT_GE(run->end.changes, 0);
  ASSERT_EQ(::fstat(run->end.changes, &info), 0);
  EXPECT_EQ(info.st_mode & 0555, 0555u);
  EXPECT_EQ(read_at(run->end.changes, "d/f"), "kept\n");
}

TEST_F(SandboxRunTest, TakesCodeOfManyMegabytes) {
  Program program = Program::bash("#" + std::string(50u << 20, 'x') + "\necho done");

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "done\n") << run->message;
}

TEST_F(SandboxRunTest, LeavesWhatItWroteInTheChangesDirectory) {
  const auto run = this->run(Program::bash("mkdir -p a/b; echo hi > a/b/c; chmod 000 a/b/c a"));

  ASSERT_GE(run->end.changes, 0);
  EXPECT_EQ(read_at(run->end.changes, "a/b/c"), "hi\n");
  EXPECT_EQ(run->end.merged, -1);
}

TEST_F(SandboxRunTest, SeesItsInputsAndChangesOnlyItsOwnCopy) {
  const std::string folder = spawner_->runs() + "/input-a";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/keep.txt") << "keep";
  std::ofstream(folder + "/change.txt") << "old";
  std::ofstream(folder + "/gone.txt") << "gone";
  for (const char* name : {"/keep.txt", "/change.txt", "/gone.txt"}) {
    ::chmod((folder + name).c_str(), 0666);
  }
  Program program = Program::bash("cat keep.txt; echo new >> change.txt; rm gone.txt; ls");
  program.workspace_id = "input-a";

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "keepchange.txt\nkeep.txt\n") << run->err << run->message;
  ASSERT_GE(run->end.changes, 0);
  ASSERT_GE(run->end.merged, 0);
  EXPECT_EQ(read_at(run->end.changes, "change.txt"), "oldnew\n");
  EXPECT_EQ(::faccessat(run->end.changes, "keep.txt", F_OK, 0), -1);
  EXPECT_EQ(::faccessat(run->end.merged, "gone.txt", F_OK, 0), -1);
  EXPECT_EQ(::faccessat(run->end.merged, "keep.txt", F_OK, 0), 0);
  std::string content;
  std::ifstream(folder + "/change.txt") >> content;
  EXPECT_EQ(content, "old");
}

TEST_F(SandboxRunTest, EndsAtTheWallLimitWithTheOutputSoFar) {
  Program program = Program::python("print('before')\nimport time\ntime.sleep(9999)");
  program.limits.wall_ms = 1500;

  const test::Stalls stalls;
  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_WALL);
  EXPECT_EQ(run->out, "before\n");
  EXPECT_GE(run->end.wall_us, 1'450'000);
  EXPECT_LE(std::chrono::microseconds(run->end.wall_us), std::chrono::seconds(2) + stalls.lost());
}

TEST_F(SandboxRunTest, EndsWhenMemoryIsUsedUpAndKeepsTheOutputSoFar) {
  Program program = Program::python("print('before')\nx = b'x' * (1 << 30)\nprint('after')");
  program.limits.memory_bytes = 64u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_MEMORY) << run->err;
  EXPECT_EQ(run->out, "before\n");
}

TEST_F(SandboxRunTest, CountsProcessesAndSaysWhenThereWereTooMany) {
  Program program = Program::bash("for i in $(seq 200); do sleep 5 & done; wait");
  program.limits.processes = 32;
  program.limits.wall_ms = 3000;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_PROCESSES);
  EXPECT_NE(run->err.find("fork"), std::string::npos) << run->err;
}

TEST_F(SandboxRunTest, CutsEndlessOutputAtTheLimit) {
  Program program = Program::bash("yes");
  program.limits.output_bytes = 100'000;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_OUTPUT);
  EXPECT_EQ(run->out.size(), 100'000u);
}

TEST_F(SandboxRunTest, TellsCutOutputOfAProgramThatEndsBeforeItCouldBeKilled) {
  Program program = Program::bash("printf '%01000d'");
  program.limits.output_bytes = 100;

  for (int i = 0; i < 20; ++i) {
    const auto run = this->run(program);

    EXPECT_EQ(run->end.limit, PODIUM_LIMIT_OUTPUT);
    EXPECT_EQ(run->out, std::string(100, '0'));
  }
}

TEST_F(SandboxRunTest, SaysThatTheDiskIsFull) {
  Program program = Program::bash("head -c 50000000 /dev/zero > big; exit 1");
  program.limits.workspace_bytes = 1u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_DISK) << run->err;
}

TEST_F(SandboxRunTest, EndsAtOnceWhenCancelled) {
  Recorded run;
  run.start(*sandboxes_, Program::bash("echo started; sleep 1000"));
  run.wait_for_output("started");

  run.cancel();
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_CANCELLED);
  EXPECT_EQ(run.out, "started\n");
  EXPECT_EQ(run.completions, 1);
}

TEST_F(SandboxRunTest, AnswersWhileABackgroundChildHoldsItsStreams) {
  Program program = Program::bash("(setsid sleep 1000 &) ; echo done");
  program.limits.wall_ms = 60'000;

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "done\n");
  EXPECT_EQ(run->end.exit_code, 0);
  EXPECT_LT(run->end.wall_us, 30'000'000);
}

TEST_F(SandboxRunTest, CompilesFirstAndSaysWhenThatFailed) {
  Program program;
  program.code = "exit 0";
  program.compile = {"/bin/bash", "-c", "echo bad syntax; exit 7"};

  const auto run = this->run(program);

  EXPECT_EQ(run->end.phase, PODIUM_PHASE_COMPILE);
  EXPECT_EQ(run->end.exit_code, 7);
  EXPECT_EQ(run->err, "bad syntax\n");
}

TEST_F(SandboxRunTest, SaysWhichCommandCannotBeStarted) {
  Program program;
  program.command = {"/usr/bin/no-such-interpreter", "{source}"};

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_UNSUPPORTED);
  EXPECT_NE(run->message.find("/usr/bin/no-such-interpreter"), std::string::npos) << run->message;
}

TEST_F(SandboxRunTest, SaysWhichCompilerCannotBeStarted) {
  Program program;
  program.compile = {"/usr/bin/no-such-compiler", "{source}"};
  program.command = {"{folder}/program"};

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_UNSUPPORTED);
  EXPECT_NE(run->message.find("/usr/bin/no-such-compiler"), std::string::npos) << run->message;
}

TEST_F(SandboxRunTest, TakesACompilerThatMakesNoProgramForOneThatFailed) {
  Program program;
  program.compile = {"/bin/true"};
  program.command = {"{folder}/program"};

  const auto run = this->run(program);

  EXPECT_EQ(run->end.code, PODIUM_OK);
  EXPECT_EQ(run->end.phase, PODIUM_PHASE_COMPILE);
  EXPECT_EQ(run->end.exit_code, 0);
}

/// Uses 100 MB and twenty processes.
constexpr const char* kUseMemory =
    "head -c 100M /dev/zero | tail | wc -c; for i in {1..20}; do sleep 0.2 & done; wait; echo had "
    "20";

TEST_F(SandboxRunTest, CompilesWithLimitsOfItsOwn) {
  Program program;
  program.code = kUseMemory;
  program.compile = {"/bin/bash", "{source}"};
  program.command = {"/bin/true"};
  program.limits.memory_bytes = 48u << 20;
  program.limits.processes = 10;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_NONE);
  EXPECT_EQ(run->end.exit_code, 0) << run->err;
  EXPECT_EQ(run->err, "104857600\nhad 20\n");
}

TEST_F(SandboxRunTest, GivesTheProgramItsOwnLimitsWhenItIsCompiled) {
  Program program;
  program.code = kUseMemory;
  program.compile = {"/bin/true"};
  program.limits.memory_bytes = 48u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_MEMORY);
  EXPECT_EQ(run->end.phase, PODIUM_PHASE_RUN);
}

TEST_F(SandboxRunTest, ForgetsWhatACompilerMetThatSucceededAllTheSame) {
  Program program;
  program.code = "echo fine";
  program.compile = {"/usr/bin/python3", "-c",
                     "import os, signal\n"
                     "try:\n"
                     "  while True:\n"
                     "    if os.fork() == 0: signal.pause()\n"
                     "except OSError:\n"
                     "  os.kill(0, signal.SIGCONT); os._exit(0)"};
  program.limits.compile_processes = 10;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_NONE);
  EXPECT_EQ(run->out, "fine\n");
}

TEST_F(SandboxRunTest, SaysThatAFileGrewPastItsLimitToAProgramThatOnlySeesAnError) {
  Program program = Program::python("open('big', 'wb').write(b'x' * 9_000_000)");
  program.limits.file_bytes = 1u << 20;

  const auto run = this->run(program);

  EXPECT_EQ(run->end.limit, PODIUM_LIMIT_DISK) << run->err;
  EXPECT_NE(run->err.find("File too large"), std::string::npos);
}

TEST_F(SandboxRunTest, KeepsAHundredthOfAProcessor) {
  Program program = Program::bash("echo slow");
  program.limits.cpu_millis = 10;

  EXPECT_EQ(this->run(program)->out, "slow\n");
  EXPECT_EQ(this->run(Program::bash("echo usual"))->out, "usual\n");
}

TEST_F(SandboxRunTest, MountsItsInputsAsItNeedsThemWhateverTheKernelsDefaults) {
  // Where these can be changed, they are other than usual for the moment.
  const std::string parameters = "/sys/module/overlay/parameters/";
  std::map<std::string, std::string> usual;
  for (const char* name : {"index", "metacopy"}) {
    std::ifstream(parameters + name) >> usual[name];
    std::ofstream(parameters + name) << "Y";
  }
  std::filesystem::create_directory(spawner_->runs() + "/input-o");
  Program program = Program::bash("grep ' /mnt/data ' /proc/self/mountinfo");
  program.workspace_id = "input-o";
  const auto run = this->run(program);
  for (const auto& [name, value] : usual) std::ofstream(parameters + name) << value;

  EXPECT_NE(run->out.find("overlay"), std::string::npos) << run->err << run->message;
  EXPECT_EQ(run->out.find("index=on"), std::string::npos) << run->out;
  EXPECT_EQ(run->out.find("metacopy=on"), std::string::npos) << run->out;
  EXPECT_EQ(run->out.find("redirect_dir=on"), std::string::npos) << run->out;
}

TEST_F(SandboxRunTest, HasAUserOfItsOwnAlsoAfterTheSpawnersDeath) {
  std::array<Recorded, 2> runs;
  for (Recorded& run : runs) {
    run.start(*sandboxes_, Program::bash("id -u; sleep 60"));
    run.wait_for_output("\n");
  }
  spawner_->restart();

  for (int i = 0; i < 8; ++i) {
    const auto next = this->run(Program::bash("id -u"));
    for (const Recorded& run : runs) EXPECT_NE(next->out, run.out) << next->message;
  }

  for (Recorded& run : runs) run.cancel();
}

TEST_F(SandboxRunTest, GoesOnWithTheNextSpawnerWhenOneDies) {
  spawner_->restart();

  for (int i = 0; i < 12; ++i) {
    const auto run = this->run(Program::bash("echo " + std::to_string(i)));
    EXPECT_EQ(run->out, std::to_string(i) + "\n") << run->message;
  }
}

}  // namespace
}  // namespace podium::sandbox
