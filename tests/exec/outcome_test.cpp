#include "exec/outcome.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace podium {
namespace {

Outcome of(const std::function<void(Completion&)>& set) {
  Completion completion;
  set(completion);
  return outcome_of(completion, Limits{});
}

TEST(Outcome, IsCompletedWithoutASentenceForExitCodeZero) {
  const Outcome outcome = of([](Completion& c) { c.exit_code = 0; });

  EXPECT_EQ(outcome.status, RunStatus::kCompleted);
  EXPECT_EQ(outcome.message, "");
}

TEST(Outcome, TellsTheExitCode) {
  const Outcome outcome = of([](Completion& c) { c.exit_code = 137; });

  EXPECT_EQ(outcome.status, RunStatus::kFailed);
  EXPECT_EQ(outcome.message, "The program exited with code 137.");
}

TEST(Outcome, TellsTheSignal) {
  const Outcome outcome = of([](Completion& c) { c.signal = SIGSEGV; });

  EXPECT_EQ(outcome.status, RunStatus::kSignaled);
  EXPECT_EQ(outcome.message,
            "The program was ended by the signal SIGSEGV (it used memory that is not its own, or "
            "recursed "
            "too deeply).");
}

TEST(Outcome, TellsEachLimitWithItsValue) {
  const auto hit = [](LimitHit limit) {
    return of([=](Completion& c) {
      c.limit = limit;
      c.signal = SIGKILL;
    });
  };

  EXPECT_EQ(hit(LimitHit::kWall).status, RunStatus::kTimedOut);
  EXPECT_EQ(hit(LimitHit::kWall).message,
            "The program was stopped: it ran longer than its limit of 30 s; do less in one run, or "
            "find a faster way.");
  EXPECT_EQ(hit(LimitHit::kMemory).status, RunStatus::kOutOfMemory);
  EXPECT_EQ(hit(LimitHit::kMemory).message,
            "The program was stopped: it needed more memory than its limit of 512MiB; use "
            "smaller data, or a part of it at a time.");
  EXPECT_EQ(hit(LimitHit::kProcesses).status, RunStatus::kProcessLimit);
  EXPECT_NE(hit(LimitHit::kProcesses).message.find("128"), std::string::npos);
  EXPECT_EQ(hit(LimitHit::kOutput).status, RunStatus::kOutputLimit);
  EXPECT_NE(hit(LimitHit::kOutput).message.find("1MiB"), std::string::npos);
  EXPECT_EQ(hit(LimitHit::kDisk).status, RunStatus::kDiskLimit);
  EXPECT_NE(hit(LimitHit::kDisk).message.find("256MiB a file"), std::string::npos);
}

TEST(Outcome, SaysNotThatAProgramWasStoppedWhenItEndedByItself) {
  const Outcome outcome = of([](Completion& c) {
    c.limit = LimitHit::kProcesses;
    c.exit_code = 1;
  });

  EXPECT_EQ(outcome.status, RunStatus::kProcessLimit);
  EXPECT_EQ(outcome.message,
            "The program hit a limit: it started more processes and threads than its limit of "
            "128; use fewer workers, and wait for those that ended.");
}

TEST(Outcome, SaysFractionsOfASecond) {
  Completion completion;
  completion.limit = LimitHit::kWall;
  Limits limits;
  limits.wall = milliseconds(1050);

  EXPECT_EQ(
      outcome_of(completion, limits).message,
      "The program was stopped: it ran longer than its limit of 1.05 s; do less in one run, or "
      "find a faster way.");
}

TEST(Outcome, TakesSigxfszForTheFileSizeLimit) {
  EXPECT_EQ(of([](Completion& c) { c.signal = SIGXFSZ; }).status, RunStatus::kDiskLimit);
}

TEST(Outcome, SaysThatItWasTheCompiler) {
  const Outcome failed = of([](Completion& c) {
    c.in_compile = true;
    c.exit_code = 1;
  });
  const Outcome late = of([](Completion& c) {
    c.in_compile = true;
    c.limit = LimitHit::kWall;
  });
  const Outcome big = of([](Completion& c) {
    c.in_compile = true;
    c.limit = LimitHit::kMemory;
  });

  EXPECT_EQ(failed.status, RunStatus::kCompileError);
  EXPECT_NE(failed.message.find("compiler exited with code 1"), std::string::npos);
  EXPECT_EQ(late.status, RunStatus::kTimedOut);
  EXPECT_EQ(late.message,
            "The compiler was stopped: it ran longer than its limit of 60 s; make the code "
            "simpler to compile.");
  EXPECT_EQ(big.status, RunStatus::kCompileError);
  EXPECT_EQ(big.message,
            "The compiler was stopped: it needed more memory than its limit of 1GiB; use "
            "smaller data, or a part of it at a time.");
}

TEST(Outcome, SaysThatTheCompilerMadeNoProgram) {
  const Outcome outcome = of([](Completion& c) {
    c.in_compile = true;
    c.exit_code = 0;
  });

  EXPECT_EQ(outcome.status, RunStatus::kCompileError);
  EXPECT_NE(outcome.message.find("nothing that can be started"), std::string::npos);
}

TEST(SignalName, KnowsOrdinaryRealTimeAndUnknownOnes) {
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
  EXPECT_EQ(signal_name(200), "signal 200");
}

TEST(RunStatusNames, AreThoseOfTheContract) {
  EXPECT_STREQ(to_string(RunStatus::kCompleted), "completed");
  EXPECT_STREQ(to_string(RunStatus::kOutOfMemory), "out_of_memory");
  EXPECT_STREQ(to_string(RunStatus::kSignaled), "signaled");
}

}  // namespace
}  // namespace podium
