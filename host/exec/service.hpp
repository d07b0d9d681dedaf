#pragma once
/// The use cases: run code; put, list, get, delete a file. The straight line of a request.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exec/async.hpp"
#include "exec/byte_budget.hpp"
#include "exec/command.hpp"
#include "obs/log.hpp"
#include "plugin/generation.hpp"
#include "policy/auth.hpp"

namespace podium {

class Admission;
class EventQueue;
class RunBook;
enum class RunStage : std::uint8_t;

/// A place among the runs, waiting or running. Dropping it frees the place. I/O thread.
class Permit {
 public:
  Permit(Permit&&) noexcept;
  Permit& operator=(Permit&&) noexcept;
  ~Permit();

 private:
  friend class Admission;
  friend class ExecService;
  friend class RunBook;
  friend class RunControl;
  struct Place;
  explicit Permit(std::shared_ptr<Place> place);
  std::shared_ptr<Place> place_;
};

/// One run, as the request that waits for it sees and steers it. I/O thread.
class RunControl {
 public:
  explicit RunControl(asio::io_context& io);
  ~RunControl();
  const std::string& id() const noexcept;
  /// Known from the first on_stage on.
  const std::string& session() const noexcept;
  /// Idempotent; the run ends as kCancelled, wherever it stands: queue, staging or running.
  void cancel();
  bool cancelled() const noexcept;
  /// Is told the program's output while it runs, cut at the limit, from whatever thread. To be set
  /// before run(). With `replays` others may read it too: RunBook::events.
  void set_events(std::shared_ptr<EventQueue> events, bool replays);
  /// Called at each new stage, kQueued first, until run() returns. To be set before run().
  void on_stage(std::function<void(RunStage)> listener);
  /// In the queue, from 1; 0: not there.
  unsigned position() const;

  /// The program may be talked to while it runs. To be called before run().
  void open_input();
  /// False: it has not read enough yet, nothing was taken, try again after input_room(). What comes
  /// before the program has begun waits for it. Throws Failure(kUnsupported) when its runtime
  /// cannot.
  bool write_input(std::string_view data);
  /// Returns when what write_input refused may be tried again; one at a time.
  Task<> input_room();
  void close_input();
  /// The program only waits, for its client: the place of the run is lent to others until resume().
  void rest();
  void resume();
  /// Throws Failure: kUnsupported as above, kUnavailable before the program has begun.
  void signal(int number);

 private:
  friend class ExecService;
  friend class RunBook;
  struct State;
  std::shared_ptr<State> state_;
};

/// An upload in the making: one file of a form. Filled on the I/O thread, stored by the pool.
class Upload {
 public:
  virtual ~Upload() = default;
  /// Passes bytes on, which are borrowed until it is done; waits while the pool is behind (bounded
  /// by a few pieces in memory). Throws Failure: kTooLarge past the limit, kUnavailable when the
  /// disk does not take it.
  virtual Task<> write(std::string_view chunk) = 0;
  /// No more pieces; waits until the blob is stored. Not listed before commit_uploads.
  virtual Task<> finish() = 0;
};

/// What a form said beside its files.
struct UploadForm {
  std::string entity_id, kind, resource_id, version;
  bool read_only = false;
};

struct UploadedFile {
  std::string id, name;  ///< name as the client gave it
};

/// A file ready to be sent.
struct Download {
  FileRecord file;
  /// One piece of at most `length` bytes, on the I/O thread; waits for one of the places of its
  /// storage, and holds a pool thread only while it reads. For clients, who may be slow.
  std::function<Task<std::string>(Bytes offset, Bytes length)> piece;
  /// Calls write for each piece of [offset, offset + length), on a pool thread.
  std::function<void(Bytes offset, Bytes length,
                     const std::function<bool(std::string_view)>& write)>
      read;
};

/// Everything the routes do. One per daemon; its coroutines run on the I/O thread and hand what
/// blocks to the pool. A stalled store stalls only those who need it: at most half of the pool's
/// threads are lent to storage reads and writes of one instance.
class ExecService {
 public:
  /// The pool must have been joined before `sessions` and `log` end; `pool_threads` is how many
  /// threads it has. Makes `runs_dir` (mode 0700) when it is not there; throws Failure that names
  /// it.
  ExecService(asio::io_context& io, asio::thread_pool& pool, SessionStore& sessions, Log& log,
              std::filesystem::path runs_dir, unsigned pool_threads = 8);
  ~ExecService();

  /// Counts the bytes of a request that is about to be read among those of all that are read, wait
  /// or run. `share` is empty at first. Throws Failure(kResourceExhausted) with retry_after.
  void count_request(const Generation& generation, ByteShare& share, Bytes bytes);

  /// What can be refused at once is refused here: unknown language, empty code, a full queue, too
  /// many bytes of requests (kResourceExhausted with retry_after). Quick: no blocking work.
  /// `counted` is what the reading of the command was counted as; the permit counts the command
  /// itself.
  Permit admit(const Generation& generation, const ExecCommand& command, ByteShare counted = {});

  /// Resolves references and checks that the caller may use them: kForbidden for a foreign one.
  /// Part of what is refused before the window's clock starts. Result is passed on to run; nullptr
  /// for a command that names none.
  struct Inputs;
  Task<std::shared_ptr<Inputs>> resolve(std::shared_ptr<const Generation> generation,
                                        const Principal& principal, const ExecCommand& command);

  /// Waits for its turn, stages inputs, runs, collects, commits. Returns for every program that
  /// was started, and for a cancelled run (status kCancelled); throws Failure otherwise:
  /// kDeadlineExceeded when the queue wait ran out, kUnavailable, kInternal. The slot is free when
  /// it returns; what is slow to clean up comes later by itself.
  /// On the heap, since who waits for its turn in the queue has a place for the result in its
  /// frame.
  Task<std::unique_ptr<ExecResult>> run(std::shared_ptr<const Generation> generation,
                                        Principal principal, ExecCommand command,
                                        std::shared_ptr<Inputs> inputs, Permit permit,
                                        std::shared_ptr<RunControl> control);

  /// Of all uploads and downloads under way, at most http.transfers: who sends pieces of a file
  /// takes his share of it, or makes do with Transfers::kSmallPiece.
  const std::shared_ptr<ByteBudget>& transfer_memory() const noexcept;
  /// Has uploads give back what they hold of it when their clients have stalled, as seen at `now`.
  /// Who gets none does so by himself.
  void reclaim_transfer_memory(std::chrono::steady_clock::time_point now);

  /// Begins to store one uploaded file; `name` is checked here (kInvalidArgument).
  std::unique_ptr<Upload> begin_upload(std::shared_ptr<const Generation> generation,
                                       std::string name);
  /// Makes the finished uploads visible, all in one transaction, in a session of their own. The
  /// session id is returned through `session`. Uploads that are dropped without commit leave
  /// nothing.
  Task<std::vector<UploadedFile>> commit_uploads(const Principal& principal, const UploadForm& form,
                                                 std::vector<std::unique_ptr<Upload>> uploads,
                                                 std::string& session);

  /// Every file of a session that the principal may use, oldest first; empty for an unknown or
  /// foreign session.
  Task<std::vector<FileRecord>> list(const Principal& principal, std::string session,
                                     FileScope scope);
  /// By id, whatever session stands beside it; kNotFound for unknown and foreign ones.
  Task<FileRecord> find(const Principal& principal, std::string file, FileScope scope);
  /// The session is in use for as long as the result lives.
  Task<Download> open(std::shared_ptr<const Generation> generation, const Principal& principal,
                      std::string file, FileScope scope);
  /// kNotFound when it was gone or foreign.
  Task<FileRecord> remove(std::shared_ptr<const Generation> generation, const Principal& principal,
                          std::string file, FileScope scope);
  // The same for requests that name no kind: plain functions, because GCC 12 destroys a default
  // argument of a coroutine twice where the call is awaited.
  Task<std::vector<FileRecord>> list(const Principal& principal, std::string session) {
    return list(principal, std::move(session), FileScope());
  }
  Task<FileRecord> find(const Principal& principal, std::string file) {
    return find(principal, std::move(file), FileScope());
  }
  Task<Download> open(std::shared_ptr<const Generation> generation, const Principal& principal,
                      std::string file) {
    return open(std::move(generation), principal, std::move(file), FileScope());
  }
  Task<FileRecord> remove(std::shared_ptr<const Generation> generation, const Principal& principal,
                          std::string file) {
    return remove(std::move(generation), principal, std::move(file), FileScope());
  }

  /// Expired sessions, orphaned blobs, left-over run directories: one pass. Called by a timer, and
  /// at start with `at_start`, when every run directory is a left-over.
  Task<> sweep(std::shared_ptr<const Generation> generation, bool at_start);

  RunBook& book() noexcept;
  /// The result of a run that has ended, as JSON, for who asks for it within a minute.
  void keep_end(const RunControl& run, std::string json);

  unsigned running() const noexcept;
  unsigned waiting() const noexcept;
  /// For shutdown: no new permits from now on (kUnavailable).
  void stop_admitting();
  /// Ends every run.
  void cancel_all();
  /// Returns when no run is waiting or running.
  Task<> idle();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with what it has begun
};

}  // namespace podium
