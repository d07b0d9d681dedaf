#include "policy/lockout.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

constexpr EpochMs kNow = 1'800'000'000'000;
const LockoutConfig kThree{3, milliseconds(10'000), milliseconds(60'000)};

TEST(Lockout, BeginsWithTheLastFailureThatIsAllowedAndEndsByItself) {
  Lockout lockout;

  EXPECT_FALSE(lockout.failed(kThree, "10.0.0.1", kNow));
  EXPECT_FALSE(lockout.failed(kThree, "10.0.0.1", kNow + 1));
  EXPECT_FALSE(lockout.remaining("10.0.0.1", kNow + 1));
  EXPECT_TRUE(lockout.failed(kThree, "10.0.0.1", kNow + 2));

  EXPECT_EQ(lockout.remaining("10.0.0.1", kNow + 2)->count(), 60);
  EXPECT_EQ(lockout.remaining("10.0.0.1", kNow + 60'001)->count(), 1);
  EXPECT_FALSE(lockout.remaining("10.0.0.1", kNow + 60'002));
  EXPECT_FALSE(lockout.remaining("10.0.0.10", kNow + 2)) << "not by prefix";
}

TEST(Lockout, ForgetsFailuresThatLieApart) {
  Lockout lockout;

  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(lockout.failed(kThree, "10.0.0.1", kNow + i * 10'001)) << i;
  }
}

TEST(Lockout, TakesTheAddressesOfOneSixtyFourForOnePeer) {
  Lockout lockout;
  lockout.failed(kThree, "2001:db8::1", kNow);
  lockout.failed(kThree, "2001:db8::2", kNow);

  EXPECT_TRUE(lockout.failed(kThree, "2001:db8::ffff:3", kNow));
  EXPECT_TRUE(lockout.remaining("2001:db8:0:0:9::", kNow));
  EXPECT_FALSE(lockout.remaining("2001:db8:0:1::1", kNow));
}

TEST(Lockout, HoldsBoundedlyManyPeers) {
  Lockout lockout;

  for (int i = 0; i < 20'000; ++i) {
    const std::string peer = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    lockout.failed(kThree, peer, kNow + i);
  }

  EXPECT_LE(lockout.size(), 10'000u);
}

TEST(Lockout, CanBeSwitchedOff) {
  Lockout lockout;
  LockoutConfig never = kThree;
  never.failures = 0;

  for (int i = 0; i < 100; ++i) EXPECT_FALSE(lockout.failed(never, "10.0.0.1", kNow));
}

}  // namespace
}  // namespace podium
