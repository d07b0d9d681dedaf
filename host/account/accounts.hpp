#pragma once
#include "account/key_book.hpp"
#include "account/ledger.hpp"
#include "account/token_watch.hpp"

namespace podium {

/// Everything about who may do how much and who did what.
struct Accounts {
  Accounts(SessionStore& sessions, Snapshot<KeyRing>& ring, Log& log)
      : store(sessions), keys(store, ring, log), tokens(log) {}

  AccountStore store;  ///< any thread that may block
  KeyBook keys;
  TokenWatch tokens;
  Ledger ledger;  ///< I/O thread
};

}  // namespace podium
