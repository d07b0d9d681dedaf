#include "exec/run_book.hpp"

#include <gtest/gtest.h>

#include "exec/event_queue.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

class Book : public testing::Test {
 protected:
  /// A run in progress with an event in its queue and input that came early.
  RunBook::Entry enter(bool replays) {
    auto run = std::make_shared<RunBook::Entry::element_type>(io_);
    run->events = std::make_shared<EventQueue>(io_, QueueBounds{1 << 20, milliseconds(1), 1 << 20});
    run->events->add("status", "{}");
    run->replays = replays;
    run->kept_input = std::string(1000, 'x');
    book_.enter(run);
    return run;
  }

  asio::io_context io_;
  RunBook book_;
};

TEST_F(Book, KeepsOfARunThatHasEndedNoEventsThatNobodyCanReadAgain) {
  const RunBook::Entry run = enter(false);

  book_.ended(run);

  EXPECT_EQ(run->events, nullptr);
  EXPECT_EQ(run->kept_input.capacity(), std::string().capacity());
  EXPECT_TRUE(book_.find(run->id, nullptr)) << "the run itself is told of";
}

TEST_F(Book, KeepsThoseThatCanBeReadAgain) {
  const RunBook::Entry run = enter(true);

  book_.ended(run);

  EXPECT_EQ(book_.events(run->id, nullptr), run->events);
}

}  // namespace
}  // namespace podium
