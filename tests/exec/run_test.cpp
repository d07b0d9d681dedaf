#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "exec/event_queue.hpp"
#include "exec/run_world.hpp"

namespace podium {
namespace {

using test::FakeRun;
using testing::ElementsAre;
using testing::HasSubstr;

class Run : public test::RunWorld {};

TEST_F(Run, GivesTheRuntimeWhatTheCommandAndTheLanguageSay) {
  config.languages[0].environment = {{"HOME", "/mnt/data"}, {"MODE", "language"}};
  config.languages[0].limits.wall = std::chrono::seconds(30);
  ExecCommand what = command("print(2)");
  what.arguments = {"a", "b c"};
  what.standard_input = "in";
  what.environment = {{"MODE", "request"}, {"LD_PRELOAD", "evil.so"}};
  what.timeout = milliseconds(1234);

  const ExecResult result = get(execute(what));

  const RunRequest& request = last().request;
  EXPECT_EQ(request.id, result.run_id);
  EXPECT_EQ(request.language, "py");
  EXPECT_EQ(request.code, "print(2)");
  EXPECT_EQ(request.source_name, "main.py");
  EXPECT_THAT(request.command, ElementsAre("/usr/bin/py", "{source}"));
  EXPECT_THAT(request.arguments, ElementsAre("a", "b c"));
  EXPECT_EQ(request.standard_input, "in");
  EXPECT_THAT(request.environment, ElementsAre("HOME=/mnt/data", "MODE=request"));
  EXPECT_EQ(request.limits.wall, milliseconds(1234));
  EXPECT_EQ(request.workspace, -1);
  EXPECT_EQ(request.output, -1);
  EXPECT_EQ(result.err,
            "warning: environment variable skipped: \"LD_PRELOAD\" is no name for one "
            "or steers the loader of programs\n");
}

TEST_F(Run, ReturnsOutputExitCodeAndUsage) {
  runtime->behaviour = [](FakeRun& run) {
    std::thread([&run] {
      run.events->on_output(1, "hello ");
      run.events->on_output(2, "oops\n");
      run.events->on_output(1, "world\n");
      Completion completion;
      completion.exit_code = 0;
      completion.wall_us = 12'345;
      completion.cpu_us = 6'000;
      completion.start_us = 700;
      completion.memory_peak = 1 << 20;
      completion.warm = true;
      completion.unenforced = "processes";
      run.complete(std::move(completion));
    }).join();
  };

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.out, "hello world\n");
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.signal, "");
  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(result.message, "");
  EXPECT_EQ(result.wall_ms, 12);
  EXPECT_EQ(result.cpu_ms, 6);
  EXPECT_EQ(result.memory_peak, 1u << 20);
  EXPECT_EQ(result.times.start, 700);
  EXPECT_TRUE(result.warm);
  EXPECT_EQ(result.unenforced, "processes");
  EXPECT_TRUE(is_id(result.session_id));
}

TEST_F(Run, TellsAFailureInTheLastLineOfStderr) {
  runtime->behaviour = [](FakeRun& run) {
    run.events->on_output(2, "Traceback");
    run.exit(3);
  };

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kFailed);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.message, "The program exited with code 3.");
  EXPECT_EQ(result.err, "Traceback\nThe program exited with code 3.\n");
}

TEST_F(Run, TellsALimitWithThePartialOutput) {
  runtime->behaviour = [](FakeRun& run) {
    run.events->on_output(1, "so far");
    Completion completion;
    completion.signal = SIGKILL;
    completion.limit = LimitHit::kWall;
    run.complete(std::move(completion));
  };

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kTimedOut);
  EXPECT_EQ(result.out, "so far");
  EXPECT_EQ(result.signal, "SIGKILL");
  EXPECT_EQ(result.exit_code, std::nullopt);
  EXPECT_EQ(result.err,
            "The program was stopped: it ran longer than its limit of 30 s; do less in one run, or "
            "find a faster way.\n");
}

TEST_F(Run, CutsOutputAtTheLimit) {
  config.languages[0].limits.output = 10;
  runtime->behaviour = [](FakeRun& run) {
    run.events->on_output(1, std::string(10, 'x'));
    run.events->on_output(2, std::string(100, 'y'));
    Completion completion;
    completion.signal = SIGKILL;
    completion.limit = LimitHit::kOutput;
    run.complete(std::move(completion));
  };

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.out, "xxxxxxxxxx\n[stdout was cut here: it is longer than its limit of 10B]\n");
  EXPECT_THAT(result.err, HasSubstr("yyyyyyyyyy\n[stderr was cut here"));
  EXPECT_EQ(result.status, RunStatus::kOutputLimit);
}

TEST_F(Run, TouchesNeitherStorageNorDiskNorDatabaseWithoutFiles) {
  service();
  storage->put_gate.close();
  storage->get_gate.close();
  // All threads of the pool stand still: what the run needs of them would never come.
  const auto gate = std::make_shared<test::Gate>();
  gate->close();
  for (unsigned i = 0; i < kThreads; ++i) asio::post(pool, [gate] { gate->pass(); });
  struct Opening {
    test::Gate& gate;
    ~Opening() { gate.open(); }
  } opening{*gate};

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(storage->calls, 0u);
  EXPECT_EQ(run_directories(), 0u);
}

TEST_F(Run, KeepsTheSessionOfARunWithoutFiles) {
  ExecCommand what = command();
  what.entity_id = "agent-7";

  const ExecResult result = get(execute(what));

  until([&] { return sessions.find_session(result.session_id).has_value(); });
  EXPECT_EQ(sessions.find_session(result.session_id)->principal, "me");
  EXPECT_EQ(sessions.find_session(result.session_id)->entity, "agent-7");
}

TEST_F(Run, RefusesAtTheDoorWhatCanBeRefusedAtOnce) {
  const auto refused = [&](const std::function<void(ExecCommand&)>& spoil) {
    ExecCommand what = command();
    spoil(what);
    try {
      service().admit(*generation(), what);
      return std::string("admitted");
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Code::kInvalidArgument);
      return std::string(failure.what());
    }
  };

  EXPECT_EQ(refused([](ExecCommand&) {}), "admitted");
  EXPECT_EQ(refused([](ExecCommand& c) { c.language = "cobol"; }), "Unsupported language: cobol");
  EXPECT_EQ(refused([](ExecCommand& c) { c.code = " \n\t"; }), "code must not be empty");
  EXPECT_EQ(refused([](ExecCommand& c) { c.timeout = milliseconds(0); }),
            "timeout must be a positive number of milliseconds");
  EXPECT_THAT(refused([](ExecCommand& c) {
                c.arguments = {"a", std::string("\0", 1)};
              }),
              HasSubstr("args[1]"));
}

TEST_F(Run, PassesOutputOnWhileTheProgramRuns) {
  let_programs_run();
  std::vector<std::string> heard;
  const auto queue = std::make_shared<EventQueue>(io, QueueBounds());
  control->set_events(queue, false);
  const auto ending = begin(execute(command(), control));
  wait_for_start();

  std::thread([&] {
    last().events->on_output(1, "a");
    last().events->on_output(2, "b");
  }).join();
  RunEvent event;
  while (queue->take(event)) heard.push_back(std::string(event.name) + event.json);

  EXPECT_FALSE(ending->done);
  EXPECT_THAT(heard, ElementsAre(R"(stdout{"text":"a"})", R"(stderr{"text":"b"})"));
}

TEST_F(Run, IsToldWhenItsWaitRunsOut) {
  config.admission.runs = 1;
  config.admission.queue_wait = milliseconds(5);
  let_programs_run();
  const auto running = begin(execute(command()));
  wait_for_start();

  const auto ending = ended(execute(command()));

  EXPECT_EQ(ending->code(), Code::kDeadlineExceeded);
  EXPECT_EQ(service().waiting(), 0u);
}

TEST_F(Run, RunsTheQueueInOrder) {
  config.admission.runs = 1;
  let_programs_run();
  std::vector<std::shared_ptr<test::Ending<ExecResult>>> endings;
  for (const char* code : {"1", "2", "3"}) endings.push_back(begin(execute(command(code))));

  for (std::size_t i = 0; i < 3; ++i) {
    wait_for_start(i + 1);
    EXPECT_EQ(last().request.code, std::to_string(i + 1));
    last().exit(0);
    until([&] { return endings[i]->done; });
  }
}

TEST_F(Run, ReturnsBeforeALeaseThatIsSlowToEnd) {
  runtime->release_gate.close();

  const ExecResult result = get(execute(command()));
  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(service().running(), 0u);

  // Others run as ever while the slow ones block their lane.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(execute(command())).status, RunStatus::kCompleted);
  EXPECT_EQ(runtime->released, 0u);
  runtime->release_gate.open();
  until([&] { return runtime->released == 21; });
}

TEST_F(Run, WithoutFilesIsUntouchedByAStorageThatStallsForOthers) {
  const FileRecord file = upload("a.txt", "1");
  storage->get_gate.close();
  config.admission.runs = 100;
  generation_.reset();
  ExecCommand stalled = command();
  stalled.files = {reference(file)};
  std::vector<std::shared_ptr<test::Ending<ExecResult>>> endings;
  for (int i = 0; i < 20; ++i) endings.push_back(begin(execute(stalled)));
  until([&] { return storage->get_gate.held() > 0; });
  settle();

  EXPECT_LE(storage->get_gate.held(), kThreads / 2);
  EXPECT_EQ(get(execute(command())).status, RunStatus::kCompleted);
  EXPECT_EQ(get(service().list(me, file.session)).size(), 1u);

  storage->get_gate.open();
  for (const auto& ending : endings) until([&] { return ending->done; });
}

TEST_F(Run, FetchesOtherInputsWhileManyRunsWaitForOneSlowObject) {
  storage->local = false;
  const FileRecord slow = upload("slow.csv", "1,2"), other = upload("other.csv", "3,4");
  storage->gated = slow.blob;
  storage->get_gate.close();
  config.admission.runs = 100;
  generation_.reset();
  ExecCommand waits = command(), goes = command();
  waits.files = {reference(slow)};
  goes.files = {reference(other), reference(slow)};
  const unsigned before = storage->calls;
  std::vector<std::shared_ptr<test::Ending<ExecResult>>> endings;
  for (unsigned i = 0; i < 3 * kThreads; ++i) endings.push_back(begin(execute(waits)));
  until([&] { return storage->get_gate.held() == 1; });
  const auto both = begin(execute(goes));
  const auto cancelled = begin(execute(waits, control));
  settle();

  // One after the other, each in need of a thread of the same lane.
  until([&] { return storage->calls == before + 2; });
  goes.files = {reference(other)};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(execute(goes)).status, RunStatus::kCompleted);
  control->cancel();
  until([&] { return cancelled->done; });
  EXPECT_EQ(cancelled->value->status, RunStatus::kCancelled);
  EXPECT_EQ(storage->get_gate.held(), 1u);

  storage->get_gate.open();
  for (const auto& ending : endings) until([&] { return ending->done; });
  until([&] { return both->done; });
  for (const auto& ending : endings) EXPECT_EQ(ending->value->status, RunStatus::kCompleted);
  EXPECT_EQ(both->value->status, RunStatus::kCompleted);
  EXPECT_EQ(storage->calls, before + 2) << "each content is fetched once";
}

TEST_F(Run, HoldsItsGenerationUntilItIsCleanedUp) {
  let_programs_run();
  std::weak_ptr<const Generation> watched = generation();
  const auto ending = begin(execute(command()));
  wait_for_start();

  generation_.reset();
  EXPECT_FALSE(watched.expired());
  last().exit(0);
  until([&] { return watched.expired(); });

  EXPECT_TRUE(ending->done);
}

}  // namespace
}  // namespace podium
