#include "policy/quota.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace podium {
namespace {

constexpr std::array kAll{Period::kSecond, Period::kMinute, Period::kHour, Period::kDay,
                          Period::kMonth};
constexpr EpochMs kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

constexpr std::size_t index(Period period) noexcept { return static_cast<std::size_t>(period); }

EpochMs length_of(Period period) noexcept {
  switch (period) {
    case Period::kSecond:
      return kSecond;
    case Period::kMinute:
      return kMinute;
    case Period::kHour:
      return kHour;
    case Period::kDay:
      return kDay;
    case Period::kMonth:
      return 30 * kDay;  // for the policy's header only
  }
  return kDay;
}

std::chrono::year_month month_of(EpochMs time) noexcept {
  using namespace std::chrono;
  const sys_days day = floor<days>(sys_time<milliseconds>(milliseconds(time)));
  const year_month_day date(day);
  return date.year() / date.month();
}

EpochMs first_of(std::chrono::year_month month) noexcept {
  using namespace std::chrono;
  return sys_days(month / 1).time_since_epoch().count() * kDay;
}

std::int64_t seconds_until(EpochMs when, EpochMs now) noexcept {
  return std::max<std::int64_t>(1, (when - now + 999) / 1000);
}

std::string policy_of(const QuotaConfig& quota) {
  std::string policy;
  for (const Period period : kAll) {
    if (bound_of(quota, period) == 0) continue;
    if (!policy.empty()) policy += ", ";
    policy += std::to_string(bound_of(quota, period)) +
              ";w=" + std::to_string(length_of(period) / kSecond);
  }
  return policy;
}

}  // namespace

const char* to_string(Period period) noexcept {
  switch (period) {
    case Period::kSecond:
      return "second";
    case Period::kMinute:
      return "minute";
    case Period::kHour:
      return "hour";
    case Period::kDay:
      return "day";
    case Period::kMonth:
      return "month";
  }
  return "";
}

EpochMs period_start(Period period, EpochMs time) noexcept {
  if (period == Period::kMonth) return first_of(month_of(time));
  return time - time % length_of(period);
}

EpochMs period_end(Period period, EpochMs time) noexcept {
  if (period == Period::kMonth) return first_of(month_of(time) + std::chrono::months(1));
  return period_start(period, time) + length_of(period);
}

std::uint32_t bound_of(const QuotaConfig& quota, Period period) noexcept {
  switch (period) {
    case Period::kSecond:
      return quota.second;
    case Period::kMinute:
      return quota.minute;
    case Period::kHour:
      return quota.hour;
    case Period::kDay:
      return quota.day;
    case Period::kMonth:
      return quota.month;
  }
  return 0;
}

struct Quotas::Run::Account {
  struct Count {
    EpochMs start = 0;
    std::uint64_t runs = 0;
  };
  std::array<Count, kPeriods> counts;
  std::uint32_t running = 0;
  bool changed = false;
};

Quotas::Run::Run(std::shared_ptr<Account> account, EpochMs began)
    : account_(std::move(account)), began_(began) {
  ++account_->running;
}

Quotas::Run::~Run() {
  --account_->running;
  if (kept_) return;
  for (const Period period : kAll) {
    Account::Count& count = account_->counts[index(period)];
    if (count.start == period_start(period, began_) && count.runs > 0) --count.runs;
  }
}

Quotas::Account& Quotas::account_of(const std::string& principal) {
  std::shared_ptr<Account>& account = accounts_[principal];
  if (!account) account = std::make_shared<Account>();
  return *account;
}

std::uint64_t Quotas::runs_in(const Account& account, Period period, EpochMs now) noexcept {
  const auto& count = account.counts[index(period)];
  return count.start == period_start(period, now) ? count.runs : 0;
}

QuotaReport Quotas::report(const std::string& principal, const QuotaConfig& quota, EpochMs now) {
  const Account& account = account_of(principal);
  QuotaReport report;
  report.policy = policy_of(quota);
  for (const Period period : kAll) {
    const std::uint32_t bound = bound_of(quota, period);
    if (bound == 0) continue;
    const std::uint64_t runs = runs_in(account, period, now);
    const auto left = static_cast<std::uint32_t>(bound - std::min<std::uint64_t>(bound, runs));
    const std::int64_t reset = seconds_until(period_end(period, now), now);
    if (left == 0) {
      report.reason = "this key may start " + std::to_string(bound) +
                      (bound == 1 ? " run a " : " runs a ") + to_string(period);
    }
    // Of two that are equally near, the one that lasts longer.
    if (report.limit == 0 || left <= report.remaining) {
      report.limit = bound;
      report.remaining = left;
      report.reset_seconds = reset;
    }
  }
  if (report.reason.empty() && quota.concurrent != 0 && account.running >= quota.concurrent) {
    report.reason = "this key may have " + std::to_string(quota.concurrent) +
                    (quota.concurrent == 1 ? " run" : " runs") + " at a time";
    report.limit = quota.concurrent;
    report.remaining = 0;
    report.reset_seconds = 1;
  }
  return report;
}

Quotas::Taken Quotas::take(const std::string& principal, const QuotaConfig& quota, EpochMs now) {
  Taken taken{nullptr, report(principal, quota, now)};
  if (!taken.report.reason.empty()) return taken;
  Account& account = account_of(principal);
  for (const Period period : kAll) {
    Account::Count& count = account.counts[index(period)];
    const EpochMs start = period_start(period, now);
    if (count.start != start) count = {start, 0};
    ++count.runs;
  }
  account.changed = true;
  if (taken.report.limit != 0) --taken.report.remaining;
  taken.run.reset(new Run(accounts_.at(principal), now));
  return taken;
}

std::uint64_t Quotas::used(const std::string& principal, Period period, EpochMs now) const {
  const auto found = accounts_.find(principal);
  return found == accounts_.end() ? 0 : runs_in(*found->second, period, now);
}

void Quotas::restore(const std::vector<Usage>& kept, EpochMs now) {
  for (const Usage& usage : kept) {
    if (usage.start != period_start(usage.period, now)) continue;
    Account::Count& count = account_of(usage.principal).counts[index(usage.period)];
    const std::uint64_t since = count.start == usage.start ? count.runs : 0;
    count = {usage.start, usage.runs + since};
  }
}

std::vector<Usage> Quotas::changes(EpochMs now) {
  std::vector<Usage> changed;
  for (auto& [principal, account] : accounts_) {
    if (!std::exchange(account->changed, false)) continue;
    for (const Period period : {Period::kHour, Period::kDay, Period::kMonth}) {
      const Account::Count& count = account->counts[index(period)];
      changed.push_back({principal, period, count.start, count.runs});
    }
  }
  std::erase_if(accounts_, [&](const auto& entry) {
    return entry.second->running == 0 && runs_in(*entry.second, Period::kMonth, now) == 0;
  });
  return changed;
}

}  // namespace podium
