#include "exec/event_queue.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/json.hpp"

namespace podium::test {
namespace {

class Queue : public testing::Test {
 protected:
  asio::io_context io;
  QueueBounds bounds{1000, milliseconds(50), 0};

  std::shared_ptr<EventQueue> make() { return std::make_shared<EventQueue>(io, bounds); }
  static std::vector<RunEvent> take_all(EventQueue& queue) {
    std::vector<RunEvent> all;
    RunEvent event;
    while (queue.take(event)) all.push_back(event);
    return all;
  }
  static std::string text_of(const RunEvent& event) {
    return json_parse(event.json).find("text")->string();
  }
};

TEST_F(Queue, GivesEventsInTheirOrderWithRisingIds) {
  const auto queue = make();
  queue->attach(0);
  queue->add("start", "{}");
  queue->output(1, "a");
  queue->output(2, "b");
  queue->output(2, "c");
  queue->add("end", "{}");
  queue->close();

  const auto events = take_all(*queue);

  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].name, "stdout");
  EXPECT_EQ(text_of(events[2]), "bc");
  EXPECT_EQ(events[3].id, 4u);
  EXPECT_TRUE(queue->over());
}

TEST_F(Queue, KeepsACharacterTogetherThatTwoChunksShare) {
  const auto queue = make();
  queue->attach(0);
  const std::string euro = "\xE2\x82\xAC";

  queue->output(1, euro.substr(0, 1));
  EXPECT_TRUE(take_all(*queue).empty());
  queue->output(1, euro.substr(1));

  EXPECT_EQ(text_of(take_all(*queue).at(0)), euro);
}

TEST_F(Queue, MakesWhatIsNoTextAReplacementCharacter) {
  const auto queue = make();
  queue->attach(0);

  queue->output(1, "a\xFFz");
  queue->output(2, "\xE2\x82");
  queue->end_output();

  const auto events = take_all(*queue);
  EXPECT_EQ(text_of(events.at(0)), "a\xEF\xBF\xBDz");
  EXPECT_EQ(text_of(events.at(1)), "\xEF\xBF\xBD");
}

TEST_F(Queue, HoldsTheProgramUpWhileTheReaderIsBehindAndLetsItGoWhenHeIsNot) {
  const auto queue = make();
  queue->attach(0);
  std::vector<bool> calls;
  queue->set_hold([&](bool held) { calls.push_back(held); });

  queue->output(1, std::string(1200, 'x'));
  EXPECT_EQ(calls, std::vector<bool>{true});
  take_all(*queue);

  EXPECT_EQ(calls, (std::vector<bool>{true, false}));
}

TEST_F(Queue, DropsWithAMarkerOnceTheProgramWasHeldUpLongEnough) {
  const auto queue = make();
  queue->attach(0);
  std::vector<bool> calls;
  queue->set_hold([&](bool held) { calls.push_back(held); });
  queue->output(1, std::string(1200, 'x'));

  io.run();  // until the hold has run out
  queue->output(1, std::string(500, 'y'));
  queue->output(2, std::string(7, 'y'));
  queue->output(1, std::string(500, 'y'));

  EXPECT_EQ(calls, (std::vector<bool>{true, false}));
  const auto events = take_all(*queue);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].name, "dropped");
  EXPECT_EQ(events[1].json, R"({"stream":"stdout","bytes":1000})");
  EXPECT_EQ(events[2].json, R"({"stream":"stderr","bytes":7})");
  queue->output(1, "again");
  EXPECT_EQ(text_of(take_all(*queue).at(0)), "again");
}

TEST_F(Queue, NeverGrowsWhenTheProgramCannotBeHeldUp) {
  const auto queue = make();
  queue->attach(0);

  for (int i = 0; i < 10'000; ++i) {
    queue->output(1 + i % 2u, std::string(700, 'x'));
    ASSERT_LT(queue->bytes(), 4000u);
  }

  std::uint64_t told = 0;
  for (const RunEvent& event : take_all(*queue)) {
    const Json json = json_parse(event.json);
    told += event.name == "dropped" ? static_cast<std::uint64_t>(json.find("bytes")->integer())
                                    : json.find("text")->string().size();
  }
  EXPECT_EQ(told, 7'000'000u);
}

TEST_F(Queue, SendsAgainWhatAReaderHasNotSeen) {
  bounds.replay = 10'000;
  const auto queue = make();
  queue->attach(0);
  for (int i = 0; i < 5; ++i) queue->add("file", std::to_string(i));
  take_all(*queue);
  queue->add("file", "5");

  queue->attach(3);
  const auto events = take_all(*queue);

  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].id, 4u);
  EXPECT_EQ(events[2].json, "5");
}

TEST_F(Queue, SaysWhichEventsAreNotKeptAnyMore) {
  bounds.replay = 300;
  const auto queue = make();
  queue->attach(0);
  for (int i = 0; i < 10; ++i) queue->add("file", "{}");
  take_all(*queue);

  queue->attach(1);
  const auto events = take_all(*queue);

  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events[0].name, "dropped");
  EXPECT_EQ(json_parse(events[0].json).find("events")->integer() +
                static_cast<std::int64_t>(events.size()) - 1,
            9);
  EXPECT_EQ(events.back().id, 10u);
}

TEST_F(Queue, WakesItsReaderFromAnotherThread) {
  const auto queue = make();
  queue->attach(0);
  std::vector<RunEvent> events;
  const auto read = [&]() -> Task<> {
    const auto late = EventQueue::Clock::now() + std::chrono::seconds(30);
    while (!queue->over() && EventQueue::Clock::now() < late) {
      co_await queue->wait(late);
      for (RunEvent& event : take_all(*queue)) events.push_back(std::move(event));
    }
  };
  asio::co_spawn(io, read(), asio::detached);
  std::thread producer([&] {
    for (int i = 0; i < 100; ++i) queue->output(1, "x");
    queue->close();
  });

  io.run();
  producer.join();

  std::size_t all = 0;
  for (const RunEvent& event : events) all += text_of(event).size();
  EXPECT_EQ(all, 100u);
}

TEST_F(Queue, ANewReaderTakesTheFormersPlace) {
  const auto queue = make();
  const auto first = queue->attach(0);

  const auto second = queue->attach(0);
  queue->detach(first);

  EXPECT_FALSE(queue->reads(first));
  EXPECT_TRUE(queue->reads(second));
}

}  // namespace
}  // namespace podium::test
