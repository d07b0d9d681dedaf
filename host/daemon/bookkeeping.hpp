#pragma once
#include <string>

#include <boost/asio/thread_pool.hpp>

#include "account/accounts.hpp"
#include "exec/async.hpp"
#include "obs/log.hpp"

namespace podium {

/// Carries what the ledger has gathered to the database and clears away what is kept for too long.
/// I/O thread; what blocks is done on the pool. Everything named outlives it.
class Bookkeeping {
 public:
  Bookkeeping(asio::io_context& io, asio::thread_pool& pool, Accounts& accounts, Log& log)
      : io_(io), pool_(pool), accounts_(accounts), log_(log) {}

  /// What an earlier process counted. Before the I/O thread is there; a database that does not
  /// answer is asked again by write().
  void restore_usage();

  /// Writes again and again, for as long as the I/O thread works.
  Task<> keep();

  /// Writes what has been counted and done. While the database takes nothing, it is kept for later;
  /// the log says so once, and again when it is over.
  Task<> write();

  /// Removes lines of the audit trail that are older than `retention` (0: none), and counts of
  /// periods that are over.
  Task<> sweep(milliseconds retention);

 private:
  Task<> wait(milliseconds time);

  asio::io_context& io_;
  asio::thread_pool& pool_;
  Accounts& accounts_;
  Log& log_;
  bool usage_known_ = false;
  std::string trouble_;
};

}  // namespace podium
