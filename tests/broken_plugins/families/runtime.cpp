// A runtime that is sound but for the defect in its name: prints the code; "forever" goes on.
#include <podium/plugin.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "defect.hpp"

namespace {

using namespace podium::sdk;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::atomic<int> running{0};

struct Run {
  Run(const RunView& run, const Callbacks& to) : callbacks(to), code(run.code()), limits(run.limits()) {}
  Callbacks callbacks;
  std::string code;
  podium_limits limits;
  Clock::time_point began = Clock::now();
  std::atomic<bool> cancelled{false}, completed{false};
  std::thread thread;
};

class Family final : public Runtime {
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
    if (has_defect("minds_a_late_cancel") && run.completed) run.callbacks.completed(empty_completion());
    run.cancelled = true;
  }
  void release(podium_lease* lease) noexcept override {
    const std::unique_ptr<Run> run(from_lease<Run>(lease));
    run->thread.join();
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

  static void wait(Run& run, podium_completion& end) {
    const auto deadline = run.began + milliseconds(run.limits.wall_ms);
    while (!run.cancelled && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(2));
    if (run.cancelled) {
      const bool late = has_defect("slow_to_cancel") && Clock::now() - run.began > milliseconds(150);
      if (late) std::this_thread::sleep_for(std::chrono::seconds(7));
      end.code = has_defect("hides_a_cancel") ? PODIUM_OK : PODIUM_CANCELLED;
      end.message = bytes("cancelled");
      return;
    }
    if (has_defect("misses_its_deadline")) std::this_thread::sleep_for(std::chrono::seconds(7));
    if (!has_defect("hides_its_deadline")) end.limit = PODIUM_LIMIT_WALL;
  }

  static void work(Run& run) {
    ++running;
    podium_completion end = empty_completion();
    if (run.code == "forever") {
      wait(run, end);
    } else {
      print(run, end);
      end.exit_code = has_defect("strange_exit") ? 4711 : 0;
      if (has_defect("short_completion") && end.limit == PODIUM_LIMIT_NONE) end.size = 8;
    }
    --running;
    run.completed = true;
    run.callbacks.completed(end);
    if (has_defect("completes_twice")) run.callbacks.completed(end);
    if (has_defect("talks_on") && end.limit == PODIUM_LIMIT_NONE) run.callbacks.output(1, "and another thing");
  }

  Host host_;
};

}  // namespace

PODIUM_RUNTIME_PLUGIN(Family, "org.podium.test.family", "1.0.0", "A runtime with one defect");
