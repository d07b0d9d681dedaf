#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace podium {

/// What a storage is asked for. A part of a content counts as a put.
enum class StorageCall : std::uint8_t { kPut, kGet, kHead, kList, kRemove, kOpen, kSweep };
constexpr std::size_t kStorageCalls = 7;
const char* to_string(StorageCall call) noexcept;

/// Counts for one instance of a storage; Metrics::storage makes it. One without metrics counts
/// nothing. Lives no longer than its Metrics. Any thread.
class StorageMeter {
 public:
  void called(StorageCall call, std::chrono::nanoseconds took) const;
  void failed(StorageCall call) const;
  void took_in(std::uint64_t bytes) const;   ///< content that was stored
  void gave_out(std::uint64_t bytes) const;  ///< content that was read

 private:
  friend class Metrics;
  std::array<prometheus::Histogram*, kStorageCalls> seconds_{};
  std::array<prometheus::Counter*, kStorageCalls> errors_{};
  prometheus::Counter *in_ = nullptr, *out_ = nullptr;
};

/// The same for the database; Metrics::database makes it.
class DatabaseMeter {
 public:
  /// A transaction ended with the changes of so many callers.
  void wrote(std::size_t callers, std::chrono::nanoseconds took) const;
  void read(std::chrono::nanoseconds took) const;
  void write_failed() const;
  void read_failed() const;
  void set_waiting(std::size_t callers) const;  ///< for the next transaction

 private:
  friend class Metrics;
  prometheus::Histogram *write_seconds_ = nullptr, *read_seconds_ = nullptr;
  prometheus::Counter *writes_ = nullptr, *write_errors_ = nullptr, *read_errors_ = nullptr;
  prometheus::Gauge* waiting_ = nullptr;
};

}  // namespace podium
