#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/snapshot.hpp"
#include "obs/log.hpp"
#include "policy/auth.hpp"
#include "session/account_store.hpp"

namespace podium {

/// A key that was just made: the only time that the key itself is known.
struct NewKey {
  std::string key;
  KeyConfig entry;
};

/// The keys: those of the operator's file and those of the database. What is changed here is on
/// disk and valid when the call returns. Blocking, any thread.
class KeyBook {
 public:
  /// `ring` is what requests are checked against; all outlive the book.
  KeyBook(AccountStore& store, Snapshot<KeyRing>& ring, Log& log)
      : store_(store), ring_(ring), log_(log) {}

  /// Takes the keys of the file and the administrator's, and reads those of the database again.
  /// While the database does not answer, those that were known before stay.
  void reload(KeyRing of_file);
  /// Reads the database again if that failed the last time.
  void catch_up();

  std::vector<KeyConfig> list() const;
  /// By id or digest. Throws Failure(kNotFound).
  KeyConfig find(const std::string& id_or_digest) const;
  /// Makes a key with the settings of `entry`. Throws Failure: kConflict when the id is taken.
  NewKey create(KeyConfig entry);
  /// Changes settings; id and digest stay. Throws Failure(kNotFound).
  KeyConfig change(const std::string& id_or_digest, const std::function<void(KeyConfig&)>& how);
  /// Throws Failure: kNotFound, kConflict for a key of the file.
  KeyConfig remove(const std::string& id_or_digest);

 private:
  void publish(std::vector<KeyConfig> managed);

  AccountStore& store_;
  Snapshot<KeyRing>& ring_;
  Log& log_;
  std::mutex mutex_;  // one change at a time
  std::vector<KeyConfig> of_file_, managed_;
  std::string admin_;
  bool incomplete_ = false;
};

}  // namespace podium
