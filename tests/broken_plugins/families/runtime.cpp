// A runtime that is sound but for the defect in its name: prints the code; "forever" goes on,
// "echo" prints its standard input.
#include <podium/plugin.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "defect.hpp"

namespace {

using namespace podium::sdk;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Of the standard input that the program has not read.
constexpr std::size_t kMostInput = 100'000;

std::atomic<int> running{0};

struct Run {
  Run(const RunView& run, const Callbacks& to)
      : callbacks(to),
        code(run.code()),
        limits(run.limits()),
        input(run.standard_input()),
        open(run.open_input()) {
    if (has_defect("forgets_standard_input") && open) input.clear();
    if (has_defect("waits_for_more_input") && input.size() < 1000) open = true;
  }
  bool over() const { return cancelled || signal != 0; }

  Callbacks callbacks;
  std::string code;
  podium_limits limits;
  Clock::time_point began = Clock::now();
  std::atomic<bool> cancelled{false}, completed{false};
  std::atomic<int> signal{0};
  std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::string input;
  bool open, held = false;
  std::thread thread;
};

class Family final : public Runtime, public RunInput, public OutputFlow {
 public:
  Family(Host host, const Options&) : host_(host) {}

  void start(const RunView& view, const Callbacks& callbacks, podium_lease*& lease) override {
    auto run = std::make_unique<Run>(view, callbacks);
    lease = to_lease(run.get());
    if (has_defect("calls_back_after_failing")) {
      try {
        host_.post([] {});
      } catch (const Error&) {
        callbacks.completed(empty_completion());
        throw;
      }
    }
    Run* const borrowed = run.release();
    borrowed->thread = std::thread([borrowed] { work(*borrowed); });
  }
  void cancel(podium_lease* lease) noexcept override {
    Run& run = *from_lease<Run>(lease);
    if (has_defect("minds_a_late_cancel") && run.completed)
      run.callbacks.completed(empty_completion());
    run.cancelled = true;
    run.changed.notify_all();
  }
  void release(podium_lease* lease) noexcept override {
    const std::unique_ptr<Run> run(from_lease<Run>(lease));
    run->thread.join();
  }

  void write_input(podium_lease* lease, std::string_view data) override {
    Run& run = *from_lease<Run>(lease);
    const std::lock_guard lock(run.mutex);
    if (!run.open || run.completed) {
      if (has_defect("minds_late_input"))
        throw Error(PODIUM_INVALID_ARGUMENT, "its standard input is closed");
      return;
    }
    const bool full = run.input.size() + data.size() > kMostInput;
    if (full && has_defect("takes_of_what_it_refuses"))
      run.input += data.substr(0, data.size() / 2);
    if (full && !has_defect("takes_everything") && !has_defect("hoards_input")) {
      throw Error(PODIUM_RESOURCE_EXHAUSTED, "the program has not read enough yet");
    }
    if (full && has_defect("hoards_input") && run.input.size() > (8u << 20)) {
      throw Error(PODIUM_RESOURCE_EXHAUSTED, "the program has not read enough yet");
    }
    run.input += data;
    run.changed.notify_all();
  }
  void close_input(podium_lease* lease) override {
    Run& run = *from_lease<Run>(lease);
    const std::lock_guard lock(run.mutex);
    run.open = false;
    run.changed.notify_all();
  }
  void signal(podium_lease* lease, int number) override {
    Run& run = *from_lease<Run>(lease);
    if (!has_defect("hides_signals")) run.signal = number;
    run.changed.notify_all();
  }
  void hold_output(podium_lease* lease, bool held) noexcept override {
    if (has_defect("ignores_holds")) return;
    Run& run = *from_lease<Run>(lease);
    const std::lock_guard lock(run.mutex);
    run.held = held;
    run.changed.notify_all();
  }

 private:
  static void print(Run& run, podium_completion& end) {
    std::string text = run.code;
    if (has_defect("loses_output") && run.limits.output_bytes > 1) text.clear();
    if (has_defect("one_run")) {
      std::this_thread::sleep_for(milliseconds(100));
      if (running > 1) text = "disturbed";
    }
    if (text.size() > run.limits.output_bytes && !has_defect("floods")) {
      text.resize(run.limits.output_bytes);
    }
    if (run.code.size() > run.limits.output_bytes) end.limit = PODIUM_LIMIT_OUTPUT;
    if (has_defect("overlaps_callbacks")) {
      // For a while and not for a count: on a busy machine one could end before the other begins.
      const auto end_of_it = Clock::now() + milliseconds(150);
      const auto babble = [&](std::uint32_t stream) {
        while (Clock::now() < end_of_it) run.callbacks.output(stream, "");
      };
      std::thread other([&] { babble(2); });
      babble(1);
      other.join();
    }
    run.callbacks.output(1, text);
    if (has_defect("third_stream")) run.callbacks.output(3, text);
  }

  static void end_cancelled(podium_completion& end) {
    end.code = has_defect("hides_a_cancel") ? PODIUM_OK : PODIUM_CANCELLED;
    end.message = bytes("cancelled");
  }

  static void wait(Run& run, podium_completion& end) {
    const auto deadline = run.began + milliseconds(run.limits.wall_ms);
    while (!run.over() && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(2));
    if (run.cancelled) {
      const bool late =
          has_defect("slow_to_cancel") && Clock::now() - run.began > milliseconds(150);
      if (late) std::this_thread::sleep_for(std::chrono::seconds(7));
      return end_cancelled(end);
    }
    if (run.signal != 0) {
      end.signal = run.signal;
      return;
    }
    if (has_defect("misses_its_deadline")) std::this_thread::sleep_for(std::chrono::seconds(7));
    if (!has_defect("hides_its_deadline")) end.limit = PODIUM_LIMIT_WALL;
  }

  /// The next of the standard input; empty: its end, or that of the run.
  static std::string read_some(Run& run, std::unique_lock<std::mutex>& lock) {
    const auto ready = [&] {
      if (has_defect("holds_on") && run.held) return false;
      if (run.over()) return true;
      const bool hoards = has_defect("hoards_input") && run.open;
      return !run.held && ((!run.input.empty() && !hoards) || !run.open);
    };
    while (!ready()) run.changed.wait_for(lock, milliseconds(20));
    if (run.over()) return {};
    std::string some = run.input.substr(0, 16'384);
    run.input.erase(0, some.size());
    return some;
  }

  static void echo(Run& run, podium_completion& end) {
    std::unique_lock lock(run.mutex);
    for (std::string some; !(some = read_some(run, lock)).empty();) {
      if (!has_defect("locks_its_output")) lock.unlock();
      run.callbacks.output(1, some);
      if (lock) lock.unlock();
      if (has_defect("takes_of_what_it_refuses") || has_defect("locks_its_output")) {
        std::this_thread::sleep_for(milliseconds(1));
      }
      lock.lock();
    }
    if (run.cancelled) return end_cancelled(end);
    if (run.signal != 0) end.signal = run.signal;
    end.exit_code = run.signal != 0 ? -1 : 0;
  }

  static void work(Run& run) {
    ++running;
    podium_completion end = empty_completion();
    if (run.code == "forever") {
      wait(run, end);
    } else if (run.code == "echo") {
      echo(run, end);
    } else {
      print(run, end);
      end.exit_code = has_defect("strange_exit") ? 4711 : 0;
      if (has_defect("short_completion") && end.limit == PODIUM_LIMIT_NONE) end.size = 8;
    }
    --running;
    run.completed = true;
    run.callbacks.completed(end);
    if (has_defect("completes_twice")) run.callbacks.completed(end);
    if (has_defect("talks_on") && run.code != "echo" && end.limit == PODIUM_LIMIT_NONE)
      run.callbacks.output(1, "and another thing");
  }

  Host host_;
};

}  // namespace

PODIUM_RUNTIME_PLUGIN(Family, "org.podium.test.family", "1.0.0", "A runtime with one defect");
