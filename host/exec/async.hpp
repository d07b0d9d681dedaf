#pragma once
/// Coroutines of the daemon, on Boost.Asio 1.74: no awaitable operators, no per-operation
/// cancellation there, so one waits on a timer used as an event.

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <type_traits>

namespace podium {

namespace asio = boost::asio;
/// Of the I/O thread, which runs every coroutine. By name and not as "some executor", which would
/// be kept thrice for each coroutine, timer and wait, and be called over the heap.
using IoExecutor = asio::io_context::executor_type;
template <class T = void>
using Task = asio::awaitable<T, IoExecutor>;
inline constexpr asio::use_awaitable_t<IoExecutor> use_awaitable;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;

/// What the answer of a request gets of the processors before it is cleaned up and written down.
inline constexpr std::chrono::milliseconds kAnswerGoesFirst{2};

/// Something that happens once. I/O thread only.
class Event {
 public:
  explicit Event(asio::io_context& io) : timer_(io, Timer::time_point::max()) {}

  void set() {
    set_ = true;
    timer_.expires_at(Timer::time_point::min());  // wakes every waiter
  }
  bool is_set() const noexcept { return set_; }

  Task<> wait() {
    boost::system::error_code ignored;
    while (!set_) co_await timer_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }

 private:
  Timer timer_;
  bool set_ = false;
};

/// Runs `work` on the pool and returns its value (or throws what it threw) on the I/O thread.
/// The coroutine must live until then; it does, because it is suspended here.
template <class F>
Task<std::invoke_result_t<F&>> on_pool(asio::io_context& io, asio::thread_pool& pool, F work) {
  using R = std::invoke_result_t<F&>;
  Event done(io);
  std::exception_ptr error;
  std::conditional_t<std::is_void_v<R>, char, std::optional<R>> value{};
  asio::post(pool, [&] {
    try {
      if constexpr (std::is_void_v<R>) {
        work();
      } else {
        value.emplace(work());
      }
    } catch (...) {
      error = std::current_exception();
    }
    asio::post(io, [&] { done.set(); });
  });
  co_await done.wait();
  if (error) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<R>) co_return std::move(*value);
}

}  // namespace podium
