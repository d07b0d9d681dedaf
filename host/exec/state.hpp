#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "exec/admission.hpp"
#include "exec/in_use.hpp"
#include "exec/input_cache.hpp"
#include "exec/lane.hpp"
#include "exec/live_run.hpp"
#include "exec/run_book.hpp"
#include "exec/service.hpp"
#include "exec/transfers.hpp"

namespace podium {

struct RunControl::State : Cancellation, std::enable_shared_from_this<RunControl::State> {
  explicit State(asio::io_context& context) : io(context) {}

  asio::io_context& io;
  const std::string id = new_id();
  std::string language, principal, session;  ///< from run() on
  std::function<void(RunStage)> on_stage;
  std::shared_ptr<EventQueue> events;
  bool replays = false;

  std::uint64_t number = 0;  ///< of the book
  RunStage stage = RunStage::kQueued;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now(), ended;
  std::optional<EpochMs> started;
  std::weak_ptr<Permit::Place> place;
  std::shared_ptr<const std::string> end;
  Bytes kept = 0;

  bool open_input = false;
  bool input_closed = false;
  bool deaf = false;                 ///< its runtime takes no input
  Lease* lease = nullptr;            ///< between start and completion
  std::unique_ptr<Timer> try_again;  ///< for a lease that takes input and does not tell
  /// All input so far, or nothing once there was so much that the program must have read of it. The
  /// runtime may give the run back unstarted: the next one gets it from the beginning.
  std::string kept_input;
  std::size_t input_given = 0;  ///< of that, to the present lease
  bool keeps_input = true;
  bool end_given = false;           ///< the present lease knows that no more comes
  bool input_room = false;          ///< something has changed since input was refused
  std::weak_ptr<Timer> input_wait;  ///< of who waits for that

  void set_stage(RunStage next);
  unsigned position() const;
  /// Its program runs from now on, or its compiler.
  void attach(Lease& to, bool takes_input);
  /// Gives the lease what it has not got yet of the input, and then its end. False: later.
  bool give_input();
  /// Goes on with it until all is given, by itself.
  void keep_giving_input();
  /// Input may be taken again, or is not wanted any more.
  void tell_input_room();
};

struct ExecService::State : std::enable_shared_from_this<ExecService::State> {
  asio::io_context& io;
  asio::thread_pool& pool;
  SessionStore& sessions;
  Log& log;
  const std::filesystem::path runs_dir;
  const unsigned pool_threads;
  const std::shared_ptr<Admission> admission;
  const std::shared_ptr<InUse> in_use = std::make_shared<InUse>();
  const std::shared_ptr<InputCache> input_cache;
  const std::shared_ptr<Transfers> transfers = std::make_shared<Transfers>();
  const std::shared_ptr<Lane> database;
  const std::shared_ptr<Lane> cleanup;  ///< leases and directories of ended runs
  std::map<const Storage*, StorageLanes> lanes;
  RunBook book;

  State(asio::io_context& io_context, asio::thread_pool& threads, SessionStore& store, Log& logger,
        std::filesystem::path directory, unsigned thread_count);

  /// Of the generation's storage.
  StorageLanes lanes_of(const Generation& generation);

  /// Sets when a session of that owner was last used, without waiting.
  void touch(const std::string& session, const std::string& owner);

  /// What a client is told of a storage's failure. The storage's own words name its host, bucket
  /// and keys: they are for the operator, so they go to the log.
  Failure for_client(const Failure& failure) const;
  /// The same of the database, whose words name its file.
  Failure database_for_client(const Failure& failure) const;
  /// `work` for the database's lane, which fails in words for clients. Both are borrowed.
  template <class F>
  auto on_database(F& work) const {
    return [this, &work] {
      try {
        return work();
      } catch (const Failure& failure) {
        throw database_for_client(failure);
      }
    };
  }

  /// Removes a blob in the background unless a record names it; what fails is left to the sweep.
  void remove_blob_later(std::shared_ptr<const Generation> generation, std::string key);

  /// One run on its way; see run.cpp.
  class Line;
  class Reachable;
};

/// Keeps a run in the book while it lives. I/O thread.
class ExecService::State::Reachable {
 public:
  Reachable(std::shared_ptr<State> host, std::shared_ptr<RunControl::State> control)
      : host_(std::move(host)), control_(std::move(control)) {
    host_->book.enter(control_);
  }
  ~Reachable() { host_->book.ended(control_); }
  Reachable(const Reachable&) = delete;
  Reachable& operator=(const Reachable&) = delete;

 private:
  const std::shared_ptr<State> host_;
  const std::shared_ptr<RunControl::State> control_;
};

}  // namespace podium
