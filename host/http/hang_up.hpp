#pragma once
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

#include "exec/async.hpp"

namespace podium {

/// Tells when a peer has closed its side of a TCP socket, or broken it, while nothing of what it
/// has sent is read: reading would come upon that only behind all of it. I/O thread.
class HangUp {
 public:
  /// `on_hang_up` is called once at most, and not after the destructor. The socket is borrowed.
  /// Throws Failure(kUnavailable) when there is no descriptor left for it.
  HangUp(asio::io_context& io, int socket, std::function<void()> on_hang_up);
  ~HangUp();
  HangUp(const HangUp&) = delete;
  HangUp& operator=(const HangUp&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
