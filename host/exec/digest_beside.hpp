#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/sha256.hpp"

namespace podium {

/// The SHA-256 of content that comes piece by piece, each hashed by a thread of its own while the
/// caller does something else with it. Nothing is copied: memory that is touched for the first time
/// in a while costs as much as hashing saves. One thread at a time calls.
class DigestBeside {
 public:
  /// To wake a thread for less costs more than to hash it.
  static constexpr std::size_t kWorthAThread = 64 << 10;

  DigestBeside() = default;
  DigestBeside(const DigestBeside&) = delete;
  DigestBeside& operator=(const DigestBeside&) = delete;
  ~DigestBeside();

  /// The next bytes, hashed by the caller.
  void update(std::string_view bytes) { hash_.update(bytes); }
  /// The next bytes, and what else is to be done with them meanwhile. Returns when both are done;
  /// throws what `meanwhile` threw, or Failure(kInternal).
  void update(std::string_view bytes, const std::function<void()>& meanwhile);
  /// The digest of all of them; once.
  std::string hex() { return hash_.hex(); }

 private:
  void give(std::string_view bytes);
  void wait();
  void run() noexcept;

  Sha256 hash_;  ///< the thread's while piece_ is not empty
  std::mutex mutex_;
  std::condition_variable given_, taken_;
  std::string_view piece_;
  bool failed_ = false, end_ = false;
  std::thread thread_;  // begun by the first piece that is worth it
};

}  // namespace podium
