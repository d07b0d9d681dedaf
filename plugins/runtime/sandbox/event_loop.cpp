#include "event_loop.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace podium::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kWakeTag = ~std::uint64_t{0};
constexpr std::uint64_t kAlarmTag = kWakeTag - 1;
constexpr std::chrono::seconds kTick{1};

/// Of an eventfd(2) or timerfd_create(2); false when it had nothing to tell.
bool take_count(int fd) noexcept {
  std::uint64_t count = 0;
  return ::read(fd, &count, sizeof count) == sizeof count;
}

}  // namespace

EventLoop::EventLoop(std::function<void(std::uint64_t)> on_event, std::function<void()> on_wake,
                     std::function<void()> on_tick)
    : on_event_(std::move(on_event)),
      on_wake_(std::move(on_wake)),
      on_tick_(std::move(on_tick)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      alarm_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (epoll_.get() < 0 || wake_.get() < 0 || alarm_.get() < 0 || !watch(wake_.get(), kWakeTag) ||
      !watch(alarm_.get(), kAlarmTag)) {
    throw std::system_error(errno, std::generic_category(), "making an event loop");
  }
}

EventLoop::~EventLoop() { stop(); }

void EventLoop::start() {
  // Signals are the daemon's business: the new thread inherits a full mask.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void EventLoop::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  ring();
  thread_.join();
}

void EventLoop::ring() noexcept {
  const std::uint64_t one = 1;
  const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
  static_cast<void>(ignored);
}

void EventLoop::wake_at(Clock::time_point time) noexcept {
  const std::lock_guard lock(alarm_mutex_);
  if (time >= alarm_at_) return;
  alarm_at_ = time;
  // Not 0, which would disarm it.
  const std::int64_t ns =
      std::max<std::int64_t>(1, time.time_since_epoch() / std::chrono::nanoseconds(1));
  itimerspec when{};
  when.it_value = {ns / 1'000'000'000, ns % 1'000'000'000};
  ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

bool EventLoop::watch(int fd, std::uint64_t tag, bool for_writing) noexcept {
  epoll_event event{};
  event.events = for_writing ? EPOLLOUT : EPOLLIN;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::forget(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::run() {
  ::prctl(PR_SET_NAME, "podium-sandbox");
  auto next_tick = Clock::now() + kTick;
  while (!stopping_) {
    std::array<epoll_event, 64> events;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_tick - Clock::now());
    const int timeout = static_cast<int>(std::max<std::int64_t>(0, left.count() + 1));
    const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
    for (int i = 0; i < n && !stopping_; ++i) {
      const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
      if (tag == kWakeTag) {
        take_count(wake_.get());
      } else if (tag != kAlarmTag) {
        on_event_(tag);
      } else if (take_count(alarm_.get())) {
        {
          const std::lock_guard lock(alarm_mutex_);
          alarm_at_ = Clock::time_point::max();
        }
        on_wake_();
      }
    }
    if (Clock::now() < next_tick) continue;
    next_tick = Clock::now() + kTick;
    on_tick_();
  }
}

}  // namespace podium::sandbox
