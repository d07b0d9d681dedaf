#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/run_world.hpp"

namespace podium {
namespace {

using testing::IsEmpty;

class RunToBeCancelled : public test::RunWorld {};

TEST_F(RunToBeCancelled, IsCancelledInTheQueue) {
  config.admission.runs = 1;
  let_programs_run();
  const auto running = begin(execute(command()));
  wait_for_start();
  const auto waiting = begin(execute(command(), control));
  settle();
  EXPECT_EQ(service().waiting(), 1u);

  control->cancel();
  until([&] { return waiting->done; });

  EXPECT_EQ(waiting->value->status, RunStatus::kCancelled);
  EXPECT_EQ(waiting->value->err, "The run was cancelled.\n");
  EXPECT_EQ(service().waiting(), 0u);
  EXPECT_EQ(runtime->runs.size(), 1u);
}

TEST_F(RunToBeCancelled, IsCancelledWhileItsInputsAreStagedEvenWhenTheStorageStalls) {
  const FileRecord file = upload("a.txt", "1");
  ExecCommand what = command();
  what.files = {reference(file)};
  storage->get_gate.close();
  const auto ending = begin(execute(what, control));
  until([&] { return storage->get_gate.held() == 1; });

  control->cancel();
  until([&] { return ending->done; });

  EXPECT_EQ(ending->value->status, RunStatus::kCancelled);
  EXPECT_EQ(service().running(), 0u);
  EXPECT_THAT(runtime->runs, IsEmpty());
  storage->get_gate.open();
  until([&] { return run_directories() == 0; });
}

TEST_F(RunToBeCancelled, IsCancelledWhileItRuns) {
  let_programs_run();
  const auto ending = begin(execute(command(), control));
  wait_for_start();
  last().events->on_output(1, "so far");

  control->cancel();
  control->cancel();
  until([&] { return ending->done; });

  EXPECT_EQ(last().cancels, 1u);
  EXPECT_EQ(ending->value->status, RunStatus::kCancelled);
  EXPECT_EQ(ending->value->out, "so far");
  EXPECT_EQ(service().running(), 0u);
}

TEST_F(RunToBeCancelled, IsCancelledWhileItsOutputsAreStoredAndLeavesNone) {
  let_programs_leave_files();
  test::write_file(dir / "changes/a.txt", "1");
  storage->put_gate.close();
  const auto ending = begin(execute(command(), control));
  until([&] { return storage->put_gate.held() == 1; });

  control->cancel();
  until([&] { return ending->done; });

  EXPECT_EQ(ending->value->status, RunStatus::kCancelled);
  EXPECT_EQ(runtime->released, 0u) << "the lease ended while the storage reads from it";
  storage->put_gate.open();
  until([&] { return runtime->released == 1; });
  EXPECT_THAT(storage->keys(), IsEmpty());
}

TEST_F(RunToBeCancelled, IsCancelledBeforeItBegins) {
  control->cancel();

  const ExecResult result = get(execute(command(), control));

  EXPECT_EQ(result.status, RunStatus::kCancelled);
  EXPECT_THAT(runtime->runs, IsEmpty());
}

TEST_F(RunToBeCancelled, AllAreCancelledAtOnceAndThenItIsIdle) {
  config.admission.runs = 2;
  let_programs_run();
  std::vector<std::shared_ptr<test::Ending<ExecResult>>> endings;
  for (int i = 0; i < 3; ++i) endings.push_back(begin(execute(command())));
  wait_for_start(2);
  until([&] { return service().waiting() == 1; });

  service().stop_admitting();
  service().cancel_all();
  finish(service().idle());

  for (const auto& ending : endings) {
    until([&] { return ending->done; });
    EXPECT_EQ(ending->value->status, RunStatus::kCancelled);
  }
  EXPECT_THROW(service().admit(*generation(), command()), Failure);
}

}  // namespace
}  // namespace podium
