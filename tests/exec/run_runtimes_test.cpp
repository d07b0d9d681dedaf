#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/run_world.hpp"

namespace podium {
namespace {

using test::FakeRun;
using test::FakeRuntime;

class RunOnRuntimes : public test::RunWorld {
 protected:
  /// The language has another runtime behind the first.
  std::shared_ptr<FakeRuntime> second_runtime() {
    const auto second = std::make_shared<FakeRuntime>("second");
    more_instances = {second};
    config.languages[0].runtimes = {"jobs", "second"};
    return second;
  }
  void give_the_run_back() {
    runtime->behaviour = [](FakeRun& run) {
      Completion completion;
      completion.failure = Failure(Code::kUnavailable, "no pod became free");
      run.complete(std::move(completion));
    };
  }
};

TEST_F(RunOnRuntimes, GivesTheNextRuntimeTheInputsToo) {
  const auto second = second_runtime();
  const FileRecord file = upload("a.csv", "1,2,3");
  ExecCommand what = command();
  what.files = {reference(file)};
  give_the_run_back();
  std::string seen(5, '\0');
  second->behaviour = [&](FakeRun& run) {
    EXPECT_EQ(::pread(run.request.inputs.at(0).descriptor, seen.data(), 5, 0), 5);
    run.exit(0);
  };

  EXPECT_EQ(get(execute(what)).exit_code, 0);

  EXPECT_EQ(seen, "1,2,3");
}

TEST_F(RunOnRuntimes, TriesTheNextRuntimeWhenOneIsUnavailable) {
  const auto second = second_runtime();
  runtime->behaviour = [](FakeRun&) { throw Failure(Code::kUnavailable, "no pod left"); };

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(second->runs.size(), 1u);
}

TEST_F(RunOnRuntimes, TriesTheNextRuntimeWhenOneGivesTheRunBackLater) {
  const auto second = second_runtime();
  second->behaviour = [](FakeRun& run) {
    run.events->on_output(1, "cold start");
    run.exit(0);
  };
  give_the_run_back();

  const ExecResult result = get(execute(command()));

  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(result.out, "cold start");
  EXPECT_EQ(runtime->runs.size(), 1u);
  until([&] { return runtime->released == 1u && second->released == 1u; });
}

TEST_F(RunOnRuntimes, TriesTheNextRuntimeWhenOneGivesTheRunBackUnstarted) {
  const auto second = second_runtime();
  give_the_run_back();
  second->behaviour = [](FakeRun& run) {
    run.events->on_output(1, "from the second");
    run.exit(0);
  };
  const FileRecord file = upload("a.txt", "1");
  ExecCommand what = command();
  what.files = {reference(file)};

  const ExecResult result = get(execute(what));

  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(result.out, "from the second");
  ASSERT_EQ(second->runs.size(), 1u);
  EXPECT_GE(second->runs[0]->request.inputs.at(0).descriptor, 0);
}

TEST_F(RunOnRuntimes, FailsWithoutInternalsWhenNoRuntimeIsThere) {
  runtime->behaviour = [](FakeRun&) {
    throw Failure(Code::kUnavailable, "connect /run/secret.sock: refused");
  };

  const auto ending = ended(execute(command()));

  EXPECT_EQ(ending->code(), Code::kUnavailable);
  EXPECT_EQ(ending->message(), "no runtime can start a program in py now");
  EXPECT_TRUE(ending->failure().retry_after());
  EXPECT_EQ(service().running(), 0u);
}

TEST_F(RunOnRuntimes, TriesNoOtherRuntimeAfterAFailureOfAnotherKind) {
  const auto second = second_runtime();
  runtime->behaviour = [](FakeRun&) { throw Failure(Code::kInternal, "broken at /secret"); };

  const auto ending = ended(execute(command()));

  EXPECT_EQ(ending->code(), Code::kInternal);
  EXPECT_EQ(ending->message().find("secret"), std::string::npos);
  EXPECT_TRUE(second->runs.empty());
}

TEST_F(RunOnRuntimes, FailsWhenTheRuntimeFailsAfterTheStart) {
  runtime->behaviour = [](FakeRun& run) {
    Completion completion;
    completion.failure = Failure(Code::kInternal, "the spawner died at /secret");
    run.complete(std::move(completion));
  };

  const auto ending = ended(execute(command()));

  EXPECT_EQ(ending->code(), Code::kInternal);
  EXPECT_EQ(ending->message().find("secret"), std::string::npos);
  until([&] { return runtime->released == 1; });
}

}  // namespace
}  // namespace podium
