#include "pool_size.hpp"

#include <gtest/gtest.h>

namespace podium::sandbox {
namespace {

using namespace std::chrono_literals;

TEST(PoolSizeTest, StartsAtTheMinimum) {
  const PoolSize size(3, 10, {});
  EXPECT_EQ(size.target(), 3u);
}

TEST(PoolSizeTest, DoublesWithEachMissUpToTheMaximum) {
  PoolSize size(2, 10, {});
  const PoolSize::Clock::time_point now{};

  size.taken(false, 0, now);
  EXPECT_EQ(size.target(), 4u);
  size.taken(false, 0, now);
  size.taken(false, 0, now);
  EXPECT_EQ(size.target(), 10u);
}

TEST(PoolSizeTest, GrowsFromNothing) {
  PoolSize size(0, 4, {});
  size.taken(false, 0, {});
  EXPECT_EQ(size.target(), 1u);
}

TEST(PoolSizeTest, GoesDownByOneAfterEachCalmHalfMinute) {
  PoolSize size(1, 8, {});
  PoolSize::Clock::time_point now{};
  for (int i = 0; i < 3; ++i) size.taken(false, 0, now);
  ASSERT_EQ(size.target(), 8u);

  size.tick(now += 29s);
  EXPECT_EQ(size.target(), 8u);
  size.tick(now += 1s);
  EXPECT_EQ(size.target(), 7u);
  for (int i = 0; i < 20; ++i) size.tick(now += 30s);
  EXPECT_EQ(size.target(), 1u);
}

TEST(PoolSizeTest, StaysWhileMoreThanHalfIsTaken) {
  PoolSize size(1, 8, {});
  PoolSize::Clock::time_point now{};
  for (int i = 0; i < 3; ++i) size.taken(false, 0, now);

  for (int i = 0; i < 10; ++i) {
    now += 20s;
    size.taken(true, 2, now);
    size.tick(now);
  }

  EXPECT_EQ(size.target(), 8u);
}

}  // namespace
}  // namespace podium::sandbox
