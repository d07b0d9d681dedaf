#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "policy/lockout.hpp"
#include "policy/quota.hpp"
#include "session/account_store.hpp"

namespace podium {

/// What has happened to principals and is still to be written: counts of runs, lines of the audit
/// trail, when keys were used. I/O thread; nothing of it waits for the database.
class Ledger {
 public:
  /// Lines beyond `capacity`, while the database does not answer, push out the oldest.
  explicit Ledger(std::size_t capacity = 50'000) : capacity_(capacity) {}

  Quotas quotas;
  Lockout lockout;

  void audit(AuditRecord line);
  void key_used(const std::string& id, EpochMs now) { used_[id] = now; }

  /// One write's worth.
  struct Batch {
    std::vector<UsageRecord> usage;
    std::vector<AuditRecord> lines;
    std::vector<std::pair<std::string, EpochMs>> used;

    bool empty() const noexcept { return usage.empty() && lines.empty() && used.empty(); }
  };
  Batch take(EpochMs now);
  /// The batch could not be written: its contents come again, unless something newer has.
  void give_back(Batch batch);

  /// Lines that were pushed out since the last call.
  std::uint64_t take_lost() noexcept { return std::exchange(lost_, 0); }

  /// Takes the counts over that an earlier process kept.
  void restore(const std::vector<UsageRecord>& kept, EpochMs now);

 private:
  void bound();

  const std::size_t capacity_;
  std::deque<AuditRecord> lines_;
  std::map<std::string, EpochMs> used_;
  std::map<std::pair<std::string, std::string>, UsageRecord> usage_;  // by principal and period
  std::uint64_t lost_ = 0;
};

}  // namespace podium
