#pragma once
#include <sys/types.h>

#include <cstdint>
#include <ctime>

namespace podium::sandbox {

/// Processor time of all processes of a sandbox, as its pid 1 learns it; microseconds. Allocates
/// nothing.
class CpuMeter {
 public:
  /// A pod's process, which may still live when its run has ended, is looked at while it does.
  void watch(pid_t pod) noexcept;
  /// It was reaped: getrusage(2) knows what it used.
  void reaped() noexcept { pod_ = -1; }

  /// What is used from here on is the run's.
  void begin_run() noexcept { before_ = pod_us(); }
  std::int64_t of_run() const noexcept { return all_us() - before_; }

  /// Of all processes that were reaped, and of the pod.
  std::int64_t all_us() const noexcept;

 private:
  std::int64_t pod_us() const noexcept;
  std::int64_t pod_children_us() const noexcept;

  pid_t pod_ = -1;
  int stat_ = -1;
  clockid_t clock_ = 0;  ///< 0, which is a clock of the host's: it has none
  std::int64_t before_ = 0;
};

}  // namespace podium::sandbox
