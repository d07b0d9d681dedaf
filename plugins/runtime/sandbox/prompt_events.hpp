#pragma once
#include <podium/sdk/host.hpp>

#include <cstdint>
#include <functional>

#include "event_loop.hpp"

namespace podium::sandbox {

/// Descriptors whose news an answer may wait for (epoll(7)): awaited by the host's I/O thread when
/// it lends it, which saves a change of threads, and otherwise by the loop.
///
/// Descriptors are watched under a tag chosen by the owner; a closed descriptor leaves by itself.
class PromptEvents {
 public:
  /// `on_event(tag)` for each ready descriptor, on one thread at a time; it may not throw. To the
  /// loop an event of this object has the tag `tag`, and dispatch() is its answer.
  PromptEvents(const sdk::Host& host, EventLoop& loop, std::uint64_t tag,
               std::function<void(std::uint64_t tag)> on_event);
  PromptEvents(const PromptEvents&) = delete;
  PromptEvents& operator=(const PromptEvents&) = delete;

  /// Begins to call. Once.
  void start();
  /// The host's thread does not call any more when this returns. Not from within on_event.
  void stop() noexcept { watch_ = sdk::Watch(); }

  /// Any thread. False with errno.
  bool watch(int fd, std::uint64_t tag) noexcept;
  void forget(int fd) noexcept;

  void dispatch() noexcept;

 private:
  const sdk::Host host_;
  EventLoop& loop_;
  const std::uint64_t tag_;
  const std::function<void(std::uint64_t)> on_event_;
  const sdk::Descriptor epoll_;
  sdk::Watch watch_;
};

}  // namespace podium::sandbox
