// What is written to a program before and while it runs.

#include <gtest/gtest.h>

#include "exec/run_world.hpp"

namespace podium {
namespace {

using test::FakeRun;
using test::FakeRuntime;

class InputOfARun : public test::RunWorld {
 protected:
  InputOfARun() {
    config.languages[0].runtimes = {"jobs", "more"};
    more_instances.push_back(second);
    let_programs_run();
    second->behaviour = [](FakeRun&) {};
    runtime->talks = second->talks = true;
    control->open_input();
  }
  ~InputOfARun() override {
    for (const auto& run : second->runs) run->exit(0);
  }
  static void give_back(FakeRun& run) {
    Completion completion;
    completion.failure = Failure(Code::kUnavailable, "no pod became free");
    run.complete(std::move(completion));
  }

  std::shared_ptr<FakeRuntime> second = std::make_shared<FakeRuntime>("more");
};

TEST_F(InputOfARun, GoesToTheNextRuntimeFromTheBeginningWhenOneGivesTheRunBack) {
  const auto ending = begin(execute(command(), control));
  EXPECT_TRUE(control->write_input("before, "));
  wait_for_start();
  EXPECT_TRUE(control->write_input("while"));
  control->close_input();
  EXPECT_EQ(last().input, "before, while");

  give_back(last());
  until([&] { return second->runs.size() == 1 && second->runs[0]->input_ended; });

  EXPECT_EQ(second->runs[0]->input, "before, while");
  second->runs[0]->exit(0);
  until([&] { return ending->done; });
}

TEST_F(InputOfARun, OfBeforeTheStartIsGivenBeforeItsEndThoughTheProgramDoesNotReadAtOnce) {
  for (const bool tells_room : {true, false}) {
    control = std::make_shared<RunControl>(io);
    control->open_input();
    const std::size_t runs = runtime->runs.size() + 1;
    runtime->behaviour = [tells_room](FakeRun& run) {
      run.input_room = 0;
      run.tells_room = tells_room;
    };
    const auto ending = begin(execute(command(), control));
    EXPECT_TRUE(control->write_input("early"));
    control->close_input();
    wait_for_start(runs);
    settle();
    EXPECT_FALSE(last().input_ended);

    last().input_room = 100;
    if (tells_room) last().events->on_input_room();
    until([&] { return last().input_ended; });

    EXPECT_EQ(last().input, "early");
    last().exit(0);
    until([&] { return ending->done; });
  }
}

TEST_F(InputOfARun, OfBeforeTheStartComesBeforeWhatIsWrittenLater) {
  runtime->behaviour = [](FakeRun& run) { run.input_room = 0; };
  const auto ending = begin(execute(command(), control));
  EXPECT_TRUE(control->write_input("early, "));
  wait_for_start();
  EXPECT_FALSE(control->write_input("late"));

  last().input_room = 100;
  EXPECT_TRUE(control->write_input("late"));

  EXPECT_EQ(last().input, "early, late");
  last().exit(0);
  until([&] { return ending->done; });
}

TEST_F(InputOfARun, OfBeforeTheStartIsBounded) {
  std::size_t taken = 0;
  const std::string piece(64u << 10, 'x');
  while (taken < (8u << 20) && control->write_input(piece)) taken += piece.size();

  EXPECT_EQ(taken, 1u << 20);
}

}  // namespace
}  // namespace podium
