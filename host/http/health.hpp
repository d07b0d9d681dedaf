#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/async.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// One question to a part of the daemon.
struct HealthCheck {
  std::string name;
  const void* key;              ///< of the part: two checks of one part never overlap
  std::function<Health()> ask;  ///< blocks; keeps alive what it asks
};

struct HealthOutcome {
  std::string name;
  Health health;
  double response_ms = 0;
};

/// Asks parts of the daemon how they are, each on a thread of its own and never longer than a
/// bound: a part that is stuck holds neither the I/O thread nor an executor. Called from the I/O
/// thread.
class HealthProbe {
 public:
  explicit HealthProbe(asio::io_context& io) : io_(io) {}
  ~HealthProbe();

  /// The outcomes in the order of the checks. A part that has not answered within `bound` is
  /// unhealthy; while its old check still runs no second one is started.
  Task<std::vector<HealthOutcome>> run(std::vector<HealthCheck> checks, milliseconds bound);

  /// Waits for checks that are still running. Nothing may be asked afterwards.
  void close();

 private:
  struct Running;
  std::shared_ptr<Running> begin(const HealthCheck& check);
  /// Throws std::system_error when no thread can be had.
  void start(const std::shared_ptr<Running>& running, const HealthCheck& check);

  asio::io_context& io_;
  // Shared with what the threads post, which may run after this object is gone.
  using Table = std::map<const void*, std::shared_ptr<Running>>;
  std::shared_ptr<Table> running_ = std::make_shared<Table>();
  std::mutex mutex_;
  std::condition_variable ended_;
  unsigned threads_ = 0;
};

/// The worst of them.
HealthState worst(const std::vector<HealthOutcome>& outcomes) noexcept;

/// "healthy", "degraded", "unhealthy".
const char* to_string(HealthState state) noexcept;

}  // namespace podium
