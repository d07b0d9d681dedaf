#pragma once
#include <cerrno>

#include "protocol.hpp"

namespace podium::sandbox {

/// How far a sandbox is when its process speaks to pid 1.
struct StepState {
  bool pod = false;  ///< the program runs inside the process that waited
  bool ready = false;
  bool running = false;
  bool ended = false;
};

/// Whether pid 1 listens to a message. Of a pod that was given its run it may be user code that
/// speaks: it can end its own run, as exit does, or say that its code had no room; who says
/// anything else is not listened to any more.
constexpr bool believes(const StepState& state, const StepMessage& message) noexcept {
  if (!state.pod || !(state.running || state.ended)) return true;
  return message.step == Step::kDone ||
         (message.step == Step::kExecFailed && (message.value == ENOSPC || message.value == EFBIG));
}

}  // namespace podium::sandbox
