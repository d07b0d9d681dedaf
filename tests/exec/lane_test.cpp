#include "exec/lane.hpp"

#include <gtest/gtest.h>

#include "exec/world.hpp"

namespace podium {
namespace {

class Lanes : public test::World {
 protected:
  std::shared_ptr<Lane> lane(unsigned places, std::shared_ptr<Lane> within = nullptr) {
    return std::make_shared<Lane>(io, pool, places, std::move(within));
  }
  Task<int> value(std::shared_ptr<Lane> where, std::function<int()> work) {
    auto got = co_await in_lane(where, &cancellation, work);
    co_return got.value_or(-1);
  }
  test::Gate gate;
  Cancellation cancellation;
};

TEST_F(Lanes, ReturnValuesAndThrowWhatTheWorkThrew) {
  EXPECT_EQ(get(value(lane(1), [] { return 7; })), 7);
  EXPECT_EQ(ended(value(lane(1), []() -> int { throw Failure(Code::kNotFound, "x"); }))->code(),
            Code::kNotFound);
}

TEST_F(Lanes, LendNoMoreThreadsThanTheyHavePlaces) {
  const auto narrow = lane(2);
  gate.close();
  std::atomic<unsigned> ended{0};
  for (int i = 0; i < 6; ++i) {
    narrow->submit([&] {
      gate.pass();
      ++ended;
    });
  }
  until([&] { return gate.held() == 2; });

  EXPECT_EQ(get(value(lane(1), [] { return 1; })), 1);  // another lane goes on
  EXPECT_EQ(gate.held(), 2u);
  gate.open();
  until([&] { return ended == 6 && narrow->idle(); });
}

TEST_F(Lanes, KnowWhetherSomebodyWaitsForAPlace) {
  const auto outer = lane(2);
  const auto inner = lane(1, outer);
  gate.close();
  std::atomic<unsigned> ended{0};
  const auto stay = [&] {
    gate.pass();
    ++ended;
  };
  EXPECT_TRUE(inner->has_room());
  inner->submit(stay);
  EXPECT_FALSE(inner->has_room());
  EXPECT_TRUE(outer->has_room());
  outer->submit(stay);
  EXPECT_FALSE(outer->has_room());
  EXPECT_FALSE(inner->crowded());

  outer->submit(stay);

  EXPECT_TRUE(outer->crowded());
  EXPECT_TRUE(inner->crowded()) << "its jobs have places of the other";
  gate.open();
  until([&] { return ended == 3 && inner->idle() && outer->idle(); });
  EXPECT_FALSE(outer->crowded());
}

TEST_F(Lanes, WithinAnotherLeavePlacesToIt) {
  const auto outer = lane(2);
  const auto inner = lane(1, outer);
  gate.close();
  std::atomic<unsigned> ended{0};
  for (int i = 0; i < 3; ++i) {
    inner->submit([&] {
      gate.pass();
      ++ended;
    });
  }
  until([&] { return gate.held() == 1; });

  EXPECT_EQ(get(value(outer, [] { return 1; })), 1);
  gate.open();
  until([&] { return ended == 3 && inner->idle() && outer->idle(); });
}

TEST_F(Lanes, ReturnAtOnceWhenTheyAreCancelledAndEndTheWorkOnThePool) {
  const auto here = std::this_thread::get_id();
  std::atomic<bool> on_pool{false};
  gate.close();
  auto work = [&, guard = std::shared_ptr<int>(new int(1), [&on_pool, here](int* p) {
                    on_pool = std::this_thread::get_id() != here;
                    delete p;
                  })] {
    gate.pass();
    return 1;
  };
  std::function<int()> moved = std::move(work);
  const auto ending = begin(value(lane(1), std::exchange(moved, nullptr)));
  until([&] { return gate.held() == 1; });

  cancellation.request();
  until([&] { return ending->done; });
  EXPECT_EQ(ending->value, -1);
  EXPECT_FALSE(on_pool);

  gate.open();
  until([&] { return on_pool.load(); });
}

TEST_F(Lanes, NeverBeginWorkThatWasCancelledBefore) {
  cancellation.request();
  bool begun = false;

  EXPECT_EQ(get(value(lane(1),
                      [&] {
                        begun = true;
                        return 1;
                      })),
            -1);
  EXPECT_FALSE(begun);
}

}  // namespace
}  // namespace podium
