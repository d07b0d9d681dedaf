#include "daemon/bookkeeping.hpp"

#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/time.hpp"

namespace podium {

void Bookkeeping::restore_usage() {
  try {
    accounts_.ledger.restore(accounts_.store.usage(), epoch_ms_now());
    usage_known_ = true;
  } catch (const Failure&) {
    usage_known_ = false;  // tried again by write()
  }
}

Task<> Bookkeeping::keep() {
  for (;;) {
    co_await wait(milliseconds(300));
    co_await write();
  }
}

Task<> Bookkeeping::write() {
  Ledger& ledger = accounts_.ledger;
  Ledger::Batch batch = ledger.take(epoch_ms_now());
  const bool waiting = !usage_known_ || !trouble_.empty();
  if (batch.empty() && !waiting) co_return;
  std::string trouble;
  std::vector<UsageRecord> earlier;
  auto work = [&] {
    try {
      accounts_.keys.catch_up();
      if (!usage_known_) earlier = accounts_.store.usage();
      accounts_.store.record(batch.usage, batch.lines);
      if (!batch.used.empty()) accounts_.store.note_use(batch.used);
    } catch (const std::exception& failure) {
      trouble = failure.what();
    }
  };
  co_await on_pool(io_, pool_, work);
  if (trouble.empty() && !usage_known_) {
    ledger.restore(earlier, epoch_ms_now());
    usage_known_ = true;
  }
  if (!trouble.empty()) ledger.give_back(std::move(batch));
  if (trouble.empty() != trouble_.empty()) {
    if (trouble.empty()) {
      log_.info("the database takes writes again", {{"lines_lost", ledger.take_lost()}});
    } else {
      log_.error("the database takes no writes; runs without files work", {{"why", trouble}});
    }
  }
  trouble_ = std::move(trouble);
  if (!trouble_.empty()) co_await wait(milliseconds(2000));
}

Task<> Bookkeeping::sweep(milliseconds retention) {
  constexpr unsigned kLines = 5000;               // a transaction
  constexpr EpochMs kCounts = 40LL * 86'400'000;  // no period is longer
  const EpochMs now = epoch_ms_now();
  auto work = [&] {
    accounts_.store.remove_usage_before(now - kCounts);
    if (retention.count() <= 0) return;
    while (accounts_.store.remove_audit_before(now - retention.count(), kLines) == kLines) {
    }
  };
  co_await on_pool(io_, pool_, work);
}

Task<> Bookkeeping::wait(milliseconds time) {
  Timer timer(io_, time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
}

}  // namespace podium
