#pragma once
/// The plugins as the host sees them: C++ values and exceptions, no ABI. plugin/ makes these out of
/// the C structs of a loaded library; tests make them by hand.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "obs/metrics.hpp"

namespace podium {

enum class HealthState { kHealthy, kDegraded, kUnhealthy };

struct Health {
  HealthState state = HealthState::kHealthy;
  Json detail = Json::object();
};

/// What every plugin instance can be asked. All functions: any thread.
class Instance {
 public:
  virtual ~Instance() = default;
  virtual const std::string& name() const noexcept = 0;
  /// The plugin's id and version, for logs: "org.podium.runtime.job 0.1.0".
  virtual const std::string& plugin_id() const noexcept = 0;
  /// Blocks for at most `deadline`. An instance that offers no check is healthy.
  virtual Health check_health(milliseconds deadline) noexcept = 0;
  virtual void collect_metrics(const std::function<void(const Metrics::Sample&)>& each) = 0;
};

struct RunInput {
  std::string name;
  int descriptor = -1;  ///< borrowed
  bool read_only = false;
};

/// One program to run; see podium_run.
struct RunRequest {
  std::string id;
  std::string language;
  std::string code;
  std::string source_name;
  std::vector<std::string> arguments;
  std::vector<std::string> compile;
  std::vector<std::string> command;
  std::vector<std::string> environment;  ///< "NAME=value"
  std::vector<RunInput> inputs;
  std::string standard_input;
  bool open_input = false;  ///< it stays open for Lease::write_input
  int workspace = -1;       ///< borrowed; directory <state_dir>/runs/<id> with the inputs, or -1
  int output = -1;          ///< borrowed; empty writable directory, or -1
  Limits limits;
};

enum class LimitHit { kNone = 0, kWall, kMemory, kProcesses, kOutput, kDisk };

/// How a run ended; see podium_completion. Owns nothing: descriptors live until the lease's end.
struct Completion {
  std::optional<Failure> failure;  ///< the runtime failed or the run was cancelled (kCancelled)
  std::string message;             ///< a remark for the log
  int exit_code = -1;              ///< -1: it did not exit by itself
  int signal = 0;                  ///< 0: none
  LimitHit limit = LimitHit::kNone;
  bool in_compile = false;
  std::int64_t wall_us = 0, cpu_us = 0, start_us = 0;
  std::uint64_t memory_peak = 0;
  bool warm = false;
  int changes = -1;
  int merged = -1;
  std::string unenforced;
};

class Lease;

/// Hears of one run. Called from any thread, never twice at once; on_completed is the last call.
class RunEvents {
 public:
  virtual ~RunEvents() = default;
  /// Before the start: the lease that the run will have. Valid until the completion; void when
  /// nothing is started.
  virtual void on_lease(Lease& /*lease*/) {}
  virtual void on_compiled() {}  ///< the program itself begins now
  virtual void on_output(unsigned stream, std::string_view chunk) = 0;  ///< 1 out, 2 err
  virtual void on_input_room() {}  ///< what write_input refused may be tried again
  virtual void on_completed(Completion completion) = 0;
};

/// One run in a runtime. The destructor ends the lease; it may be called only after on_completed.
class Lease {
 public:
  virtual ~Lease() = default;
  /// Any thread, any number of times; harmless after the end.
  virtual void cancel() noexcept = 0;

  /// Whether hold_output does something. Constant.
  virtual bool holds_output() const noexcept { return false; }
  /// The program's output is left where it is, until false. Any thread, also within on_output.
  virtual void hold_output(bool /*held*/) noexcept {}

  // Of runs with open_input. Any thread; harmless after the end.
  /// False: the program has not read enough yet, nothing was taken.
  virtual bool write_input(std::string_view /*data*/) { return true; }
  /// RunEvents::on_input_room comes after each refusal; otherwise one has to try. Constant.
  virtual bool tells_input_room() const noexcept { return false; }
  virtual void close_input() {}
  /// To the program's process group. Throws Failure(kUnavailable) before it has begun.
  virtual void signal(int /*number*/) {}
};

class Runtime : public Instance {
 public:
  virtual bool own_workspace() const noexcept = 0;
  /// Whether its programs can be written to and signalled while they run.
  virtual bool takes_input() const noexcept { return false; }
  /// Begins the run without waiting; `request` is borrowed for the call, `events` until the lease
  /// ends. on_completed may come before start returns. Throws Failure when nothing was started;
  /// kUnavailable means: try the next runtime.
  virtual std::unique_ptr<Lease> start(const RunRequest& request, RunEvents& events) = 0;
};

/// Content on its way into a storage; pulled on the thread that calls put.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::int64_t expected() const noexcept { return -1; }
  /// Fills `buffer`; 0 is the end. Throws to abort the put.
  virtual std::size_t read(char* buffer, std::size_t capacity) = 0;
  /// Whether sha256() tells; constant.
  virtual bool hashes() const noexcept { return false; }
  /// After read has returned 0: the SHA-256 of all it gave, 64 lower-case hexadecimal digits.
  virtual std::string sha256() { return {}; }
};

struct BlobInfo {
  std::string key;
  Bytes length = 0;
  EpochMs modified = 0;
};

/// Blobs under opaque keys. Blocking: call on executor threads only. All throw Failure.
/// One content that a storage takes part by part. Any thread, also for several parts at a time; a
/// part is as `podium_put_parts.put` says. The destructor may block: it takes back what was not
/// finished.
class PartedPut {
 public:
  virtual ~PartedPut() = default;
  virtual void put(std::uint32_t number, int descriptor, Bytes offset, Bytes length) = 0;
  virtual void finish(Bytes length) = 0;
};

class Storage : public Instance {
 public:
  virtual void put(const std::string& key, Source& source) = 0;
  /// `write` returns false to stop (then Failure(kCancelled)).
  virtual void get(const std::string& key, Bytes offset, Bytes length,
                   const std::function<bool(std::string_view)>& write) = 0;
  virtual std::optional<BlobInfo> head(const std::string& key) = 0;
  virtual void list(const std::string& prefix,
                    const std::function<bool(const BlobInfo&)>& each) = 0;
  virtual void remove(const std::string& key) = 0;
  virtual bool has_local_files() const noexcept = 0;
  /// A read-only descriptor of the blob; only when has_local_files().
  virtual UniqueFd open_local(const std::string& key) = 0;
  /// Takes over a file without a name (O_TMPFILE) of `length` bytes with that SHA-256, as put would
  /// keep its content; the caller only closes `descriptor` afterwards. False: put it instead.
  virtual bool adopt(const std::string& key, int descriptor, Bytes length,
                     const std::string& sha256) = 0;
  /// Bytes of each part but the last; 0: it does not take content in parts.
  virtual Bytes part_size() const noexcept { return 0; }
  /// Only when part_size(). Must end before the storage does.
  virtual std::unique_ptr<PartedPut> begin_parts(const std::string&) {
    throw Failure(Code::kInternal, name() + ": takes no content in parts");
  }
  /// Upkeep; does nothing when the storage has none.
  virtual void sweep() = 0;
};

/// One thing that happened in a run, as the wire tells it; see podium_event.
struct RunEvent {
  std::uint64_t id = 0;
  std::string_view name;  ///< a constant: "start", "stdout", …
  std::string json;       ///< one object on one line
};

/// One streamed answer in the making. Not thread-safe; appends to `out`.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  /// Only of strategies that tell events.
  virtual void event(const RunEvent& /*event*/, std::string& /*out*/) {}
  virtual void tick(std::string& out) = 0;
  virtual void chunk(unsigned stream, std::string_view data, std::string& out) = 0;
  virtual void finish(int status, std::string_view json, std::string& out) = 0;
};

/// A response strategy: pure formatting, any thread.
class Response : public Instance {
 public:
  virtual const std::string& media_type() const noexcept = 0;
  /// A result within it becomes an ordinary answer; empty: never stream.
  virtual std::optional<milliseconds> first_window() const noexcept = 0;
  virtual milliseconds interval() const noexcept = 0;
  /// Its streams are told events; neither chunk nor finish is called for them then.
  virtual bool tells_events() const noexcept { return false; }
  virtual std::unique_ptr<ResponseStream> begin(std::string& out) = 0;
  /// An ordinary answer.
  virtual void finish(int status, std::string_view json, std::string& out) = 0;
};

}  // namespace podium
