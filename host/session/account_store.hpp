#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "config/config.hpp"

namespace podium {

class SessionStore;

/// Runs of a principal in one period ("hour", "day", "month") that began at `start`.
struct UsageRecord {
  std::string principal, period;
  EpochMs start = 0;
  std::uint64_t runs = 0;
};

/// One line of the audit trail: who ran what, when, with which limits and outcome; or what an
/// administrator did.
struct AuditRecord {
  EpochMs time = 0;
  std::string principal;
  Json entry;  ///< an object
};

struct AuditQuery {
  std::string principal;                 ///< empty: of all
  EpochMs since = 0, until = INT64_MAX;  ///< [since, until)
  unsigned limit = 100;
};

/// Keys, the counts of their runs and the audit trail, in the database of a SessionStore, which it
/// shares a writer with. Blocking: call on executor threads. What a call has acknowledged is on
/// disk. A database that does not answer: Failure(kUnavailable).
class AccountStore {
 public:
  /// `sessions` outlives it.
  explicit AccountStore(SessionStore& sessions) : sessions_(sessions) {}

  /// By id.
  std::vector<KeyConfig> keys();
  /// Throws Failure(kConflict) when there is one of that id.
  void add_key(const KeyConfig& key);
  /// Adds or replaces all but `created`.
  void put_key(const KeyConfig& key);
  /// False when there was none.
  bool remove_key(const std::string& id);
  /// Notes that keys were used; unknown ids are passed over.
  void note_use(const std::vector<std::pair<std::string, EpochMs>>& keys);

  std::vector<UsageRecord> usage();
  /// Sets the counts of these principals and periods, and adds the lines; one transaction.
  void record(const std::vector<UsageRecord>& usage, const std::vector<AuditRecord>& lines);

  /// Newest first.
  std::vector<AuditRecord> audit(const AuditQuery& query);
  /// Removes up to `limit` lines of before that time; how many.
  std::size_t remove_audit_before(EpochMs before, unsigned limit);
  /// Removes counts of periods that began before that time.
  void remove_usage_before(EpochMs before);

 private:
  SessionStore& sessions_;
};

}  // namespace podium
