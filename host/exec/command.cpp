#include "exec/command.hpp"

namespace podium {

const char* to_string(RunStatus status) noexcept {
  switch (status) {
    case RunStatus::kCompleted:
      return "completed";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kTimedOut:
      return "timed_out";
    case RunStatus::kOutOfMemory:
      return "out_of_memory";
    case RunStatus::kProcessLimit:
      return "process_limit";
    case RunStatus::kOutputLimit:
      return "output_limit";
    case RunStatus::kDiskLimit:
      return "disk_limit";
    case RunStatus::kCompileError:
      return "compile_error";
    case RunStatus::kCancelled:
      return "cancelled";
    case RunStatus::kSignaled:
      return "signaled";
  }
  return "failed";
}

}  // namespace podium
