#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "exec/async.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// What may wait for a reader.
struct QueueBounds {
  Bytes waiting = 256u << 10;  ///< of events, before the program is held up
  milliseconds hold{5'000};    ///< how long it is; then output is dropped, with a marker
  Bytes replay = 0;            ///< of events that were taken and may be asked for again
};

/// What happens in one run, on its way to the one who reads it: bounded, one producer, one reader.
///
/// Output is made UTF-8 here, whatever the borders of its chunks, and what waits is joined. When a
/// reader is slow the program is held up, for a while; then output is dropped and a marker stands
/// for it. Other events are few and small and never dropped. A queue that is told of no output
/// only says when the run is over: that is all that answers which are no events need of it.
class EventQueue : public std::enable_shared_from_this<EventQueue> {
 public:
  using Clock = std::chrono::steady_clock;

  EventQueue(asio::io_context& io, const QueueBounds& bounds);

  // The producer: any thread, one at a time.

  /// Stream 1 or 2.
  void output(unsigned stream, std::string_view chunk);
  /// No more output: what is left of a character that was cut off becomes U+FFFD.
  void end_output();
  /// `name` is a constant; `json` one object on one line.
  void add(std::string_view name, std::string json);
  /// Nothing comes any more.
  void close();
  /// How the program is held up (true) and let go; called with the queue's lock held. Without one
  /// output is dropped at once. To be set before output comes; nullptr takes it away.
  void set_hold(std::function<void(bool)> hold);

  // The reader: I/O thread.

  /// A new reader, who takes the place of the one before: that one's wait ends and reads() is false
  /// for it. The events after `after` come (again), as far as they have been kept.
  std::uint32_t attach(std::uint64_t after);
  /// Nobody reads any more; nothing happens when another has taken its place.
  void detach(std::uint32_t reader);
  bool attached() const noexcept { return reader_ != 0; }
  bool reads(std::uint32_t reader) const noexcept { return reader_ == reader; }

  /// Returns when there may be something to take, the run is over, wake() was called, or at `when`.
  Task<> wait(Clock::time_point when);
  void wake();
  /// The next event, its id set. False: there is none now.
  bool take(RunEvent& event);
  /// Closed, and everything has been taken.
  bool over() const;
  /// Bytes that it holds, about.
  Bytes bytes() const;

 private:
  struct Waiting {
    std::string_view name;
    std::string text;     // JSON; of output the text itself
    unsigned stream = 0;  // of output and of markers; 0: neither
    Bytes dropped = 0;    // a marker
  };

  /// What output needs. Made with the first of it: thousands of runs may wait that have none yet.
  struct Flow {
    std::string cut[2];  // the beginning of a character
    std::function<void(bool)> hold;
    std::unique_ptr<Timer> clock;  // of a hold; I/O thread
    std::uint32_t holds = 0;       // number of the present or last one
    bool held = false;
    bool dropping = false;
  };

  Flow& flow();
  void push(Waiting item);
  void append(unsigned stream, std::string_view text);
  void drop(unsigned stream, Bytes bytes);
  void hold_up(Flow& flow);
  void let_go(Flow& flow);
  void ring();
  void begin_hold_clock(std::uint32_t number);
  void remember(RunEvent& event);
  bool replay(RunEvent& event);
  static RunEvent event_of(Waiting item);

  asio::io_context& io_;
  const QueueBounds bounds_;
  Timer wake_;
  std::uint32_t reader_ = 0, readers_ = 0;
  std::uint64_t last_ = 0;                       // id of the last event that was taken
  std::uint64_t next_ = 1;                       // id that the reader gets next; at most last_ + 1
  std::unique_ptr<std::deque<RunEvent>> taken_;  // up to last_
  Bytes taken_bytes_ = 0;

  mutable std::mutex mutex_;  // of what follows
  std::list<Waiting> waiting_;
  Bytes waiting_bytes_ = 0;
  std::unique_ptr<Flow> flow_;
  bool closed_ = false;
  bool listening_ = false;  // the reader waits and is to be woken
};

}  // namespace podium
