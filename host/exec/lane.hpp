#pragma once
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "exec/async.hpp"
#include "exec/cancellation.hpp"

namespace podium {

/// Lends at most `places` threads of the pool to one kind of work; what comes more waits in order.
/// A store that stalls so stalls only those who need it. I/O thread; must be owned by a shared_ptr.
class Lane : public std::enable_shared_from_this<Lane> {
 public:
  /// `within`: every job also takes a place of that lane, while it runs.
  Lane(asio::io_context& io, asio::thread_pool& pool, unsigned places,
       std::shared_ptr<Lane> within = nullptr)
      : io_(io), pool_(pool), within_(std::move(within)), places_(places), free_(places) {}

  /// Runs `job` on a pool thread, where it is also destroyed. It must not throw.
  void submit(std::function<void()> job);

  asio::io_context& io() const noexcept { return io_; }
  /// Whether somebody waits for a place: a job that could go on for long should then end. Any
  /// thread.
  bool crowded() const noexcept { return crowded_ || (within_ && within_->crowded()); }
  bool idle() const noexcept { return free_ == places_; }
  /// Whether a job would begin at once.
  bool has_room() const noexcept { return free_ > 0 && (!within_ || within_->has_room()); }

 private:
  void start(std::function<void()> job);
  void ended();

  asio::io_context& io_;
  asio::thread_pool& pool_;
  const std::shared_ptr<Lane> within_;
  const unsigned places_;
  unsigned free_;
  std::deque<std::function<void()>> waiting_;
  std::atomic<bool> crowded_{false};  // whether it holds any
};

/// The lanes of one storage: half of the pool's threads.
struct StorageLanes {
  std::shared_ptr<Lane> work;  ///< inputs, outputs, pieces of uploads and downloads
  /// Outputs that take long and parts of uploads on their way to a store: half of the places of
  /// `work`, so that others need not wait for them.
  std::shared_ptr<Lane> large;

  /// Whether nobody else holds them or is in them.
  bool idle() const noexcept {
    return work.use_count() == 2 && large.use_count() == 1 && work->idle() && large->idle();
  }
};

namespace lane_detail {

template <class R>
struct Job {
  Job(asio::io_context& io, std::function<R()> what) : done(io), work(std::move(what)) {}

  void run() noexcept {  // on the pool
    if (!abandoned.load()) {
      try {
        value.emplace(work());
      } catch (...) {
        error = std::current_exception();
      }
    }
    work = nullptr;  // what it holds may be slow to end: here, not on the I/O thread
  }

  Event done;
  bool finished = false;  // I/O thread
  std::atomic<bool> abandoned{false};
  std::function<R()> work;
  std::exception_ptr error;
  std::optional<R> value;
};

}  // namespace lane_detail

/// Runs `work` in the lane and returns its value (or throws what it threw) on the I/O thread.
/// Returns nothing as soon as `cancellation` (may be nullptr) is requested; the work, if it has
/// begun, then goes on by itself, so it must own everything it touches.
template <class F>
Task<std::optional<std::invoke_result_t<F&>>> in_lane(std::shared_ptr<Lane> lane,
                                                      Cancellation* cancellation, F work) {
  using R = std::invoke_result_t<F&>;
  if (cancellation && cancellation->requested()) co_return std::nullopt;
  auto job = std::make_shared<lane_detail::Job<R>>(lane->io(), std::move(work));
  {
    Cancellation::Stage stage(cancellation, [job] { job->done.set(); });
    lane->submit([job, &io = lane->io()] {
      job->run();
      asio::post(io, [job] {
        job->finished = true;
        job->done.set();
      });
    });
    co_await job->done.wait();
  }
  if (!job->finished) {
    job->abandoned = true;
    co_return std::nullopt;
  }
  if (job->error) std::rethrow_exception(std::exchange(job->error, nullptr));
  co_return std::move(job->value);
}

}  // namespace podium
