#include "account/ledger.hpp"

#include <iterator>
#include <optional>

namespace podium {
namespace {

std::optional<Period> period_of(const std::string& name) {
  for (const Period period : {Period::kHour, Period::kDay, Period::kMonth}) {
    if (name == to_string(period)) return period;
  }
  return std::nullopt;
}

}  // namespace

void Ledger::audit(AuditRecord line) {
  lines_.push_back(std::move(line));
  bound();
}

void Ledger::bound() {
  while (lines_.size() > capacity_) {
    lines_.pop_front();
    ++lost_;
  }
}

Ledger::Batch Ledger::take(EpochMs now) {
  for (const Usage& usage : quotas.changes(now)) {
    const std::string period = to_string(usage.period);
    usage_[{usage.principal, period}] = {usage.principal, period, usage.start, usage.runs};
  }
  Batch batch;
  for (auto& [key, usage] : std::exchange(usage_, {})) batch.usage.push_back(std::move(usage));
  batch.lines.assign(std::make_move_iterator(lines_.begin()),
                     std::make_move_iterator(lines_.end()));
  lines_.clear();
  for (auto& [id, time] : std::exchange(used_, {})) batch.used.emplace_back(id, time);
  return batch;
}

void Ledger::give_back(Batch batch) {
  for (UsageRecord& usage : batch.usage) {
    usage_.try_emplace({usage.principal, usage.period}, std::move(usage));
  }
  for (auto& [id, time] : batch.used) used_.try_emplace(id, time);
  lines_.insert(lines_.begin(), std::make_move_iterator(batch.lines.begin()),
                std::make_move_iterator(batch.lines.end()));
  bound();
}

void Ledger::restore(const std::vector<UsageRecord>& kept, EpochMs now) {
  std::vector<Usage> known;
  for (const UsageRecord& usage : kept) {
    if (const auto period = period_of(usage.period)) {
      known.push_back({usage.principal, *period, usage.start, usage.runs});
    }
  }
  quotas.restore(known, now);
}

}  // namespace podium
