#pragma once
#include <chrono>
#include <list>
#include <memory>
#include <vector>

#include "exec/async.hpp"
#include "exec/byte_budget.hpp"
#include "exec/cancellation.hpp"
#include "exec/service.hpp"

namespace podium {

/// The places of runs: so many at a time, so many waiting, first come first served. I/O thread.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  explicit Admission(asio::io_context& io) : io_(io) {}

  /// A place, waiting or running at once. Throws Failure: kResourceExhausted with retry_after when
  /// the queue is full, kUnavailable after stop(). `generation` numbers the config: the newest one
  /// decides, so that a request of an older generation does not set its limits again.
  /// `counted` is what the request has of the budget; the permit holds it from here on.
  Permit admit(const AdmissionConfig& config, std::uint64_t generation, ByteShare counted = {});

  /// Makes `share`, at first of no budget, count the bytes of one request. Throws Failure
  /// (kResourceExhausted) with retry_after when all requests together would be over
  /// config.requests; small ones are counted and never refused, so that those who fill the budget
  /// do not keep them out.
  void count(const AdmissionConfig& config, ByteShare& share, Bytes bytes);

  /// Waits until it is the permit's turn; false when `cancellation` was requested before. Throws
  /// Failure(kDeadlineExceeded) when the wait, counted from admit, has run out.
  Task<bool> turn(const Permit& permit, Cancellation& cancellation);

  /// Gives the place back before the permit is dropped.
  static void leave(Permit& permit) { permit.place_.reset(); }

  /// A run that does nothing lends its place to others, and takes it again later, at once: there
  /// may be one more run then than places, for each that rests. Idempotent.
  static void rest(Permit::Place& place);
  static void resume(Permit::Place& place);
  static void rest(const Permit& permit) { rest(*permit.place_); }
  static void resume(const Permit& permit) { resume(*permit.place_); }

  /// In the queue, from 1; 0 for a place that is not there. After a change of the queue the first
  /// who asks counts for all, so that thousands may ask.
  unsigned position(const Permit::Place& place);
  unsigned position(const Permit& permit) { return position(*permit.place_); }
  unsigned running() const noexcept { return running_; }
  unsigned waiting() const noexcept { return static_cast<unsigned>(waiting_.size()); }
  void stop() noexcept { stopped_ = true; }
  /// Returns when nobody waits or runs.
  Task<> idle();

 private:
  friend struct Permit::Place;
  using Clock = std::chrono::steady_clock;

  void begin(Permit::Place& place);
  void take_out(Permit::Place& place);
  void promote();
  void left(Permit::Place& place);
  std::chrono::seconds retry_after() const noexcept;

  asio::io_context& io_;
  AdmissionConfig config_;
  std::uint64_t generation_ = 0;
  const std::shared_ptr<ByteBudget> requests_ = std::make_shared<ByteBudget>();
  bool stopped_ = false;
  unsigned running_ = 0, resting_ = 0;
  std::list<Permit::Place*> waiting_;
  bool counted_ = true;         // every waiting place has its number
  double average_seconds_ = 1;  ///< how long a run keeps its place, smoothed
  std::vector<std::shared_ptr<Event>> idle_waiters_;
};

struct Permit::Place {
  Place(std::shared_ptr<Admission> owner, asio::io_context& io)
      : admission(std::move(owner)), wake(io), position(admission->waiting_.end()) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { admission->left(*this); }

  std::shared_ptr<Admission> admission;
  Timer wake;  ///< expires when the wait has run out; moved to the past to wake
  std::list<Place*>::iterator position;  ///< in the queue; its end: not there
  unsigned number = 0;                   ///< in the queue, as last counted
  ByteShare counted;
  bool running = false, resting = false;
  Admission::Clock::time_point deadline, began, rested;
};

}  // namespace podium
