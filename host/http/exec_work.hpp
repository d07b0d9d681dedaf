#pragma once
#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include "exec/event_queue.hpp"
#include "exec/service.hpp"
#include "http/audit.hpp"
#include "http/exchange.hpp"

namespace podium {

/// How a request wants to hear of its run.
struct Hearing {
  bool events = false;       ///< all that happens while it happens
  bool open_input = false;   ///< the program can be written to while it runs
  milliseconds reattach{0};  ///< that the run waits for another reader when this one has left
};

/// A run under way, shared by the run itself and by the request that waits for it. I/O thread.
struct Work {
  using Clock = std::chrono::steady_clock;

  Work(asio::io_context& io, const StreamConfig& streams, Hearing how);
  /// A part of the run that `of` steers, with an answer of its own.
  Work(asio::io_context& io, const StreamConfig& streams, std::shared_ptr<RunControl> of);
  virtual ~Work() = default;

  /// The run is over; `result` or `error` is set.
  void finish();
  void client_left();
  /// Adds an event when the run has moved up in the queue since it was told. True when it has.
  bool tell_position();

  const Hearing hearing;
  const std::shared_ptr<RunControl> control;
  const std::shared_ptr<EventQueue> queue;
  std::unique_ptr<ExecResult> result;  // when done without error
  std::string json;                    // of the result
  std::exception_ptr error;
  std::string session_id, request_id;
  std::unique_ptr<Quotas::Run> place;     // among the runs of its principal
  std::unique_ptr<const RunFacts> facts;  // for the audit trail
  Timer* wake = nullptr;                  // of who is in wait_until
  Clock::time_point began, ended;
  bool done = false;
  bool left = false;

  /// The object of the event "end".
  std::string end_json() const;
  /// What is told of a failure when the answer has begun: see late_error.
  virtual Json failed_late(const std::string& message, RunStatus status,
                           const std::string& session) const;

 private:
  void tell_end();

  unsigned position_told_ = 0;
  Clock::time_point position_told_at_{};
};

/// Listens for the client's leaving for as long as it lives; both outlive it.
class Watch {
 public:
  Watch(Exchange& exchange, Work& work) : exchange_(exchange) {
    exchange.watch([&work] { work.client_left(); });
  }
  ~Watch() { exchange_.unwatch(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  Exchange& exchange_;
};

/// Headers that tell what is left of a quota.
void add_quota(HeaderList& headers, const QuotaReport& report);

/// A body of JSON, as the sender's rights allow it to be read, and without the key that it may have
/// been let in by. `counted` is what the request is counted as from here on.
Task<Json> read_json(Exchange& exchange, ByteShare& counted, std::size_t most_values);

/// The body of POST /exec, as the sender's rights allow it to be read. `counted` is what the
/// request is counted as from here on.
Task<ExecCommand> read_command(Exchange& exchange, ByteShare& counted);

/// The first message of a client that speaks in messages: a command with "type": "run".
Task<ExecCommand> take_message(Exchange& exchange, std::string text, ByteShare& counted);

/// Refuses what can be refused, with its true status, and begins the run. The request's head,
/// parser and buffers are gone when it returns.
Task<std::shared_ptr<Work>> begin_work(Exchange& exchange, ExecCommand command, ByteShare counted,
                                       Hearing how);

/// Returns when the work is done, the client has left (once), or at `when`.
Task<> wait_until(Work& work, Work::Clock::time_point when);

/// The answer, at once or as a stream, while the client is there; afterwards work.left tells
/// whether it is. What went wrong with sending it is returned.
Task<std::exception_ptr> deliver(Exchange& exchange, Work& work, Response* response);

/// What the log tells of a run that is over.
void note_run(Access& access, const Work& work);

/// The end of a request whose answer went out or cannot any more: waits until the run is over,
/// which nobody wants any more unless it may be read again, then writes down what became of it.
Task<> conclude(Exchange& exchange, Work& work);

/// A failure after the first byte, in the form of a result.
struct LateError {
  int status;
  Json json;
  std::string what;  ///< for the log
};
LateError late_error(const Work& work);

}  // namespace podium
