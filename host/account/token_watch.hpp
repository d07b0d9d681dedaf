#pragma once
#include <filesystem>
#include <mutex>
#include <string>

#include "base/snapshot.hpp"
#include "obs/log.hpp"
#include "policy/token.hpp"

namespace podium {

/// The keys that verify tokens, read again when their file or folder changes.
class TokenWatch {
 public:
  explicit TokenWatch(Log& log) : log_(log) {}

  /// What is valid now; nullptr: no tokens are taken. Any thread.
  std::shared_ptr<const TokenKeys> keys() const { return keys_.get(); }

  /// Reads `path` (empty: none) now. Throws Failure when it cannot be used; then nothing changes.
  /// Blocking, any thread.
  void load(const std::filesystem::path& path);
  /// Reads it again when it has changed. Keys that cannot be used leave the old ones valid, and the
  /// log says so once. Blocking, any thread.
  void refresh();

 private:
  Log& log_;
  Snapshot<TokenKeys> keys_;
  std::mutex mutex_;
  std::filesystem::path path_;
  std::string seen_;  // its fingerprint
};

}  // namespace podium
