#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"

namespace podium {

/// The periods that runs are counted in: calendar ones, in UTC.
enum class Period : std::uint8_t { kSecond, kMinute, kHour, kDay, kMonth };
inline constexpr std::size_t kPeriods = 5;

/// "second", "minute", "hour", "day", "month".
const char* to_string(Period period) noexcept;
/// The first moment of the period that holds `time`, and of the next one.
EpochMs period_start(Period period, EpochMs time) noexcept;
EpochMs period_end(Period period, EpochMs time) noexcept;
/// The bound of a period in a configuration; 0: none.
std::uint32_t bound_of(const QuotaConfig& quota, Period period) noexcept;

/// Runs of a principal in one period, as they are kept.
struct Usage {
  std::string principal;
  Period period = Period::kMonth;
  EpochMs start = 0;
  std::uint64_t runs = 0;
};

/// What is left of a quota: the bound that is nearest to being reached.
struct QuotaReport {
  std::uint32_t limit = 0;  ///< 0: nothing is bounded
  std::uint32_t remaining = 0;
  std::int64_t reset_seconds = 0;  ///< until more is allowed; at least 1
  std::string policy;              ///< "10;w=1, 100;w=60"
  std::string reason;              ///< why a run is refused; empty: it is allowed
};

/// Counts the runs of principals and holds them to their quotas. One thread.
class Quotas {
 public:
  /// One run in progress; ends with the object, which may outlive the Quotas.
  class Run {
   public:
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run();

    /// It was accepted: from now on it counts even when it ends. Otherwise it is taken back.
    void keep() noexcept { kept_ = true; }

   private:
    friend class Quotas;
    struct Account;
    Run(std::shared_ptr<Account> account, EpochMs began);

    std::shared_ptr<Account> account_;
    EpochMs began_;
    bool kept_ = false;
  };

  struct Taken {
    std::unique_ptr<Run> run;  ///< none: refused, nothing was counted
    QuotaReport report;
  };
  /// What take() would say, without a run.
  QuotaReport report(const std::string& principal, const QuotaConfig& quota, EpochMs now);
  Taken take(const std::string& principal, const QuotaConfig& quota, EpochMs now);

  /// Runs of a principal in its present period.
  std::uint64_t used(const std::string& principal, Period period, EpochMs now) const;

  /// Takes over what was kept; counts of periods that are over are passed by.
  void restore(const std::vector<Usage>& kept, EpochMs now);
  /// What has changed since the last call, of hours and longer; forgets who has been idle.
  std::vector<Usage> changes(EpochMs now);

 private:
  using Account = Run::Account;
  Account& account_of(const std::string& principal);
  static std::uint64_t runs_in(const Account& account, Period period, EpochMs now) noexcept;

  std::map<std::string, std::shared_ptr<Account>> accounts_;
};

}  // namespace podium
