#include "policy/quota.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium {
namespace {

using testing::HasSubstr;

constexpr EpochMs kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr EpochMs kNoon = 1'769'860'800'000;  // 2026-01-31T12:00:00Z

class QuotaTest : public testing::Test {
 protected:
  /// One run that begins and ends; whether it was allowed.
  bool run(EpochMs now, const std::string& who = "k") {
    last = quotas.take(who, quota, now);
    if (last.run) last.run->keep();
    const bool allowed = last.run != nullptr;
    last.run.reset();
    return allowed;
  }
  Quotas quotas;
  QuotaConfig quota;
  Quotas::Taken last;
};

TEST_F(QuotaTest, WithoutBoundsEverythingIsAllowedAndNothingReported) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(run(kNoon));

  EXPECT_EQ(last.report.limit, 0u);
  EXPECT_EQ(last.report.policy, "");
  EXPECT_EQ(quotas.used("k", Period::kMonth, kNoon), 1000u);
}

TEST_F(QuotaTest, EachPeriodHasItsBoundAndBeginsAnewWithTheNext) {
  struct Case {
    std::uint32_t QuotaConfig::*member;
    EpochMs next;
    const char* word;
  };
  for (const Case& each :
       {Case{&QuotaConfig::second, kSecond, "second"},
        Case{&QuotaConfig::minute, kMinute, "minute"}, Case{&QuotaConfig::hour, kHour, "hour"},
        Case{&QuotaConfig::day, kDay / 2, "day"}, Case{&QuotaConfig::month, kDay / 2, "month"}}) {
    quotas = {};
    quota = {};
    quota.*each.member = 2;

    EXPECT_TRUE(run(kNoon) && run(kNoon)) << each.word;
    EXPECT_EQ(last.report.remaining, 0u);
    EXPECT_FALSE(run(kNoon)) << each.word;
    EXPECT_THAT(last.report.reason, HasSubstr(std::string("2 runs a ") + each.word));
    EXPECT_EQ(last.report.reset_seconds, each.next / 1000) << each.word;
    EXPECT_FALSE(run(kNoon + each.next - 1)) << each.word;
    EXPECT_TRUE(run(kNoon + each.next)) << each.word;
  }
}

TEST_F(QuotaTest, ReportsTheBoundThatIsNearest) {
  quota.minute = 10;
  quota.hour = 3;

  ASSERT_TRUE(run(kNoon));

  EXPECT_EQ(last.report.limit, 3u);
  EXPECT_EQ(last.report.remaining, 2u);
  EXPECT_EQ(last.report.reset_seconds, 3600);
  EXPECT_EQ(last.report.policy, "10;w=60, 3;w=3600");
}

TEST_F(QuotaTest, RunsInProgressAreBoundedWhateverThePeriods) {
  quota.concurrent = 2;
  auto first = quotas.take("k", quota, kNoon), second = quotas.take("k", quota, kNoon);

  EXPECT_FALSE(run(kNoon));
  EXPECT_THAT(last.report.reason, HasSubstr("2 runs at a time"));
  EXPECT_EQ(last.report.reset_seconds, 1);
  EXPECT_TRUE(run(kNoon, "other"));
  first.run.reset();
  EXPECT_TRUE(run(kNoon));
}

TEST_F(QuotaTest, ARunThatWasNotAcceptedDoesNotCount) {
  quota.minute = 1;
  quotas.take("k", quota, kNoon).run.reset();

  EXPECT_TRUE(run(kNoon));
  EXPECT_FALSE(run(kNoon));
}

TEST_F(QuotaTest, CountsOutliveTheProcessAndOldOnesAreForgotten) {
  quota.day = 3;
  ASSERT_TRUE(run(kNoon) && run(kNoon));
  const std::vector<Usage> kept = quotas.changes(kNoon);
  EXPECT_EQ(kept.size(), 3u);
  EXPECT_TRUE(quotas.changes(kNoon).empty()) << "nothing new";

  Quotas next;
  next.restore(kept, kNoon + kHour);
  EXPECT_EQ(next.used("k", Period::kHour, kNoon + kHour), 0u);
  EXPECT_EQ(next.used("k", Period::kDay, kNoon + kHour), 2u);
  EXPECT_NE(next.take("k", quota, kNoon + kHour).run, nullptr);
  Quotas later;
  later.restore(kept, kNoon + kDay);
  EXPECT_EQ(later.used("k", Period::kMonth, kNoon + kDay), 0u) << "February";
}

TEST(Periods, AreCalendarPeriodsOfUtc) {
  EXPECT_EQ(period_start(Period::kDay, kNoon), kNoon - kDay / 2);
  EXPECT_EQ(period_start(Period::kMonth, kNoon), kNoon - kDay / 2 - 30 * kDay);
  EXPECT_EQ(period_end(Period::kMonth, kNoon), kNoon + kDay / 2);
  const EpochMs february = kNoon + kDay;
  EXPECT_EQ(period_end(Period::kMonth, february) - period_start(Period::kMonth, february),
            28 * kDay);
}

}  // namespace
}  // namespace podium
