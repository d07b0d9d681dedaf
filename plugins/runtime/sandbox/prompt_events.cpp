#include "prompt_events.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace podium::sandbox {

PromptEvents::PromptEvents(const sdk::Host& host, EventLoop& loop, std::uint64_t tag,
                           std::function<void(std::uint64_t)> on_event)
    : host_(host),
      loop_(loop),
      tag_(tag),
      on_event_(std::move(on_event)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "making an epoll instance");
}

void PromptEvents::start() {
  const auto leave_to_loop = [this] { loop_.watch(epoll_.get(), tag_); };
  try {
    watch_ = host_.watch(
        epoll_.get(), [this] { dispatch(); }, leave_to_loop);
  } catch (const sdk::Error& error) {
    host_.warning(std::string(error.what()) + "; runs are heard a little later");
  }
  if (!watch_) leave_to_loop();
}

bool PromptEvents::watch(int fd, std::uint64_t tag) noexcept {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void PromptEvents::forget(int fd) noexcept {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void PromptEvents::dispatch() noexcept {
  std::array<epoll_event, 64> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
  for (int i = 0; i < n; ++i) on_event_(events[static_cast<std::size_t>(i)].data.u64);
}

}  // namespace podium::sandbox
