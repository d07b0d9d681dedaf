#pragma once
/// The simplest runtime to write: one function that runs a program to its end.

#include <podium/sdk/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium::sdk {

/// An input file of a Request.
struct Input {
  std::string name;
  Descriptor descriptor;  ///< read only; its offset is shared, use pread
  bool read_only = false;
};

/// One program to run: everything of a RunView, owned.
struct Request {
  explicit Request(const RunView& run)
      : id(run.id()),
        language(run.language()),
        code(run.code()),
        source_name(run.source_name()),
        standard_input(run.standard_input()),
        arguments(own(run.arguments())),
        compile(own(run.compile())),
        command(own(run.command())),
        environment(own(run.environment())),
        workspace(Descriptor::duplicate(run.workspace())),
        output(Descriptor::duplicate(run.output())),
        limits(run.limits()) {
    for (const InputView& input : run.inputs()) {
      inputs.push_back(
          {std::string(input.name), Descriptor::duplicate(input.descriptor), input.read_only});
    }
  }

  std::string id, language, code, source_name, standard_input;
  std::vector<std::string> arguments, compile, command, environment;
  std::vector<Input> inputs;
  Descriptor workspace;  ///< see podium_run.workspace
  Descriptor output;     ///< what is written here are the run's files
  podium_limits limits;

 private:
  static std::vector<std::string> own(const std::vector<std::string_view>& views) {
    return {views.begin(), views.end()};
  }
};

/// Where execute() puts output and asks whether to go on. Any thread of the run.
class Sink {
 public:
  using Clock = std::chrono::steady_clock;

  Sink(const Callbacks& callbacks, const podium_limits& limits)
      : callbacks_(callbacks),
        output_bytes_(limits.output_bytes),
        deadline_(Clock::now() + std::chrono::milliseconds(limits.wall_ms)) {}

  /// Passes a chunk on; what exceeds limits.output_bytes is dropped and told as
  /// PODIUM_LIMIT_OUTPUT.
  void out(std::string_view chunk) noexcept { pass(1, chunk); }
  void err(std::string_view chunk) noexcept { pass(2, chunk); }

  /// The host wants the run to end.
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  /// The wall limit's end.
  Clock::time_point deadline() const noexcept { return deadline_; }
  /// Cancelled or past the deadline: return soon. When it answers for the deadline, the run counts
  /// as one that hit PODIUM_LIMIT_WALL.
  bool should_stop() noexcept {
    if (cancelled()) return true;
    if (Clock::now() < deadline_) return false;
    hit(PODIUM_LIMIT_WALL);
    return true;
  }

  /// The program hit a limit; the first one told counts.
  void hit(podium_limit_hit limit) noexcept {
    std::lock_guard lock(mutex_);
    if (completion_.limit == PODIUM_LIMIT_NONE) completion_.limit = limit;
  }
  /// The program ended by a signal: what execute() returns is then no exit code.
  void signal(int number) noexcept {
    std::lock_guard lock(mutex_);
    completion_.signal = number;
  }
  /// What the program used: microseconds, bytes.
  void used(std::int64_t cpu_us, std::uint64_t memory_peak) noexcept {
    std::lock_guard lock(mutex_);
    completion_.cpu_us = cpu_us;
    completion_.memory_peak = memory_peak;
  }

 private:
  friend class BlockingRuntime;

  void pass(std::uint32_t stream, std::string_view chunk) noexcept {
    std::lock_guard lock(mutex_);  // callbacks of one run must not overlap
    std::uint64_t& passed = passed_[stream - 1];
    std::uint64_t room = output_bytes_ - passed;
    if (chunk.size() > room) {
      chunk = chunk.substr(0, static_cast<std::size_t>(room));
      if (completion_.limit == PODIUM_LIMIT_NONE) completion_.limit = PODIUM_LIMIT_OUTPUT;
    }
    if (chunk.empty()) return;
    passed += chunk.size();
    callbacks_.output(stream, chunk);
  }

  const Callbacks callbacks_;
  const std::uint64_t output_bytes_;
  const Clock::time_point deadline_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::uint64_t passed_[2] = {0, 0};
  podium_completion completion_ = empty_completion();
};

/// A runtime whose execute() blocks: it runs on the host's pool, and this class sees to leases, to
/// cancellation and to exactly one completion.
class BlockingRuntime : public Runtime {
 public:
  explicit BlockingRuntime(Host host) noexcept : host_(host) {}

  /// Runs one program to its end and returns its exit status. Called from many threads at once.
  /// Must return soon after sink.should_stop() turns true. Throw Error to say that the program
  /// could not be run; any other exception counts as PODIUM_INTERNAL.
  virtual int execute(const Request& request, Sink& sink) = 0;

  void start(const RunView& run, const Callbacks& callbacks, podium_lease*& lease) final {
    auto shared = std::make_shared<Run>(run, callbacks);
    auto handle = std::make_unique<std::shared_ptr<Run>>(shared);
    lease = to_lease(handle.get());  // before post: the task may complete before it returns
    host_.post([this, shared] { work(*shared); });
    handle.release();
  }
  void cancel(podium_lease* lease) noexcept final {
    (*from_lease<std::shared_ptr<Run>>(lease))
        ->sink.cancelled_.store(true, std::memory_order_release);
  }
  void release(podium_lease* lease) noexcept final {
    delete from_lease<std::shared_ptr<Run>>(lease);
  }

 protected:
  const Host& host() const noexcept { return host_; }

 private:
  struct Run {
    Run(const RunView& run, const Callbacks& callbacks)
        : started(Sink::Clock::now()), request(run), sink(callbacks, request.limits) {}
    Sink::Clock::time_point started;
    Request request;
    Sink sink;
  };

  void work(Run& run) noexcept {
    Sink::Clock::time_point begun = Sink::Clock::now();
    int exit_code = -1;
    podium_error err{};
    err.size = sizeof err;
    podium_code code = PODIUM_CANCELLED;
    if (!run.sink.cancelled()) {
      code = detail::guard(&err, [&] { exit_code = execute(run.request, run.sink); });
    }
    complete(run, begun, exit_code, code, err.message);
  }

  static void complete(Run& run, Sink::Clock::time_point begun, int exit_code, podium_code code,
                       std::string_view message) noexcept {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    Sink& sink = run.sink;
    std::unique_lock lock(sink.mutex_);
    podium_completion& completion = sink.completion_;
    bool cancelled = sink.cancelled();
    completion.code = static_cast<std::uint32_t>(cancelled ? PODIUM_CANCELLED : code);
    completion.message = bytes(cancelled ? std::string_view("cancelled") : message);
    bool own_end = code == PODIUM_OK && !cancelled && completion.signal == 0 &&
                   completion.limit != PODIUM_LIMIT_WALL;
    completion.exit_code = own_end ? exit_code : -1;
    completion.wall_us = duration_cast<microseconds>(Sink::Clock::now() - begun).count();
    completion.start_us = duration_cast<microseconds>(begun - run.started).count();
    podium_completion told = completion;
    lock.unlock();
    sink.callbacks_.completed(told);
  }

  Host host_;
};

}  // namespace podium::sdk
