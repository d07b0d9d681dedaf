/// Programs that are written to while they run.

#include <signal.h>

#include "spawner_process.hpp"

namespace podium::sandbox {
namespace {

using SandboxInput = SandboxTest;

const std::string kPiece(64u << 10, 'x');

Program talkative(const std::string& code) {
  Program program = Program::python("import signal, sys\n" + code);
  program.open_input = true;
  return program;
}

TEST_F(SandboxInput, ReachesTheProgramWhileItRuns) {
  Recorded run;
  run.start(*sandboxes_, talkative("while True: print('got', input())"));

  for (const std::string word : {"one", "two"}) {
    EXPECT_TRUE(run.write_input(word + "\n"));
    run.wait_for_output("got " + word + "\n");
  }
  run.close_input();
  run.wait();

  EXPECT_EQ(run.out, "got one\ngot two\n");
}

TEST_F(SandboxInput, IsRefusedWhenTheProgramDoesNotReadAndToldWhenItHas) {
  Recorded run;
  run.start(*sandboxes_, talkative("signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
                                   "print('ready'); signal.sigwait({signal.SIGUSR1})\n"
                                   "print(len(sys.stdin.buffer.read()))"));
  run.wait_for_output("ready");
  std::size_t taken = 0;
  while (taken < (16u << 20) && run.write_input(kPiece)) taken += kPiece.size();
  EXPECT_LE(taken, 4u << 20) << "what waits is bounded";
  EXPECT_FALSE(run.write_input(kPiece));

  run.signal(SIGUSR1);
  for (int pieces = 0; pieces < 100; ++pieces) {
    while (!run.write_input(kPiece)) ASSERT_TRUE(run.wait_for_room());
    taken += kPiece.size();
  }
  run.close_input();
  run.wait();

  EXPECT_EQ(run.out, "ready\n" + std::to_string(taken) + "\n");
}

TEST_F(SandboxInput, OfASlowReaderStaysBounded) {
  Recorded run;
  run.start(*sandboxes_, talkative("import os\nwake = {signal.SIGUSR1}\n"
                                   "signal.pthread_sigmask(signal.SIG_BLOCK, wake)\n"
                                   "print('ready')\n"
                                   "while True:\n"
                                   "  signal.sigwait(wake)\n"
                                   "  print(len(os.read(0, 4096)))"));
  run.wait_for_output("ready");
  std::size_t taken = 0;
  const auto fill = [&] {
    while (taken < (64u << 20) && run.write_input(kPiece)) taken += kPiece.size();
  };

  fill();
  const std::size_t first = taken;
  std::string read;
  for (int reads = 0; reads < 40; ++reads) {
    run.signal(SIGUSR1);
    run.wait_for_output("ready\n" + (read += "4096\n"));
    fill();
  }

  EXPECT_LE(taken, first + (3u << 20)) << "forty reads of 4 KiB make no room for more";
  run.cancel();
}

TEST_F(SandboxInput, IsDroppedWhenTheProgramHasClosedItsEnd) {
  Recorded run;
  run.start(*sandboxes_, talkative("import os\nos.close(0); print('closed'); signal.pause()"));
  run.wait_for_output("closed");

  for (int pieces = 0; pieces < 100; ++pieces) {
    while (!run.write_input(kPiece)) ASSERT_TRUE(run.wait_for_room());
  }

  run.cancel();
  run.wait();
}

}  // namespace
}  // namespace podium::sandbox
