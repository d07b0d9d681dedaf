#include "event_loop.hpp"

#include <gtest/gtest.h>

#include <future>

namespace podium::sandbox {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

TEST(EventLoopTest, WakesAtTheEarliestTimeThatWasAskedFor) {
  std::promise<Clock::time_point> woken;
  EventLoop loop([](std::uint64_t) {}, [&] { woken.set_value(Clock::now()); }, [] {});
  loop.start();

  const auto soon = Clock::now() + milliseconds(30);
  loop.wake_at(Clock::now() + std::chrono::hours(1));
  loop.wake_at(soon);
  loop.wake_at(Clock::now() + std::chrono::hours(2));

  auto when = woken.get_future();
  ASSERT_EQ(when.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_GE(when.get(), soon);
  loop.stop();
}

TEST(EventLoopTest, WakesForATimeThatIsOver) {
  std::promise<void> woken;
  EventLoop loop([](std::uint64_t) {}, [&] { woken.set_value(); }, [] {});
  loop.start();

  loop.wake_at(Clock::time_point{});

  EXPECT_EQ(woken.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  loop.stop();
}

TEST(EventLoopTest, CanBeAskedAgainFromItsOwnWake) {
  std::promise<void> third;
  int wakes = 0;
  EventLoop* self = nullptr;
  EventLoop loop([](std::uint64_t) {},
                 [&] {
                   if (++wakes == 3) return third.set_value();
                   self->wake_at(Clock::now() + milliseconds(1));
                 },
                 [] {});
  self = &loop;
  loop.start();

  loop.wake_at(Clock::now());

  EXPECT_EQ(third.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  loop.stop();
}

}  // namespace
}  // namespace podium::sandbox
