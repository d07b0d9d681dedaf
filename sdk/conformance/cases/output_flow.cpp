/// podium.output-flow/1 of a runtime: output that nobody takes stays in the program.

#include <atomic>
#include <thread>

#include "runs.hpp"

namespace podium::conform {
namespace {

using std::chrono::milliseconds;

/// More than fits between a program and its reader.
const std::string& much() {
  static const std::string kMuch = [] {
    std::string text;
    while (text.size() < (4u << 20)) text += std::string(1023, 'm') + "\n";
    return text;
  }();
  return kMuch;
}

/// A run of --echo that prints much, and the extension that holds it. Throws NotRun.
class Flow {
 public:
  Flow(Context& context, MadeRuntime& made) : context_(context), made_(made) {
    functions_ = static_cast<const podium_output_flow*>(made.extension(PODIUM_EXT_OUTPUT_FLOW));
    if (functions_ == nullptr) throw NotRun("it offers no " PODIUM_EXT_OUTPUT_FLOW);
  }

  Given printing_much() const {
    Given given;
    given.standard_input = much();
    given.limits.output_bytes = 2 * much().size();
    return given;
  }
  const std::string& program() const { return echo_of(context_); }
  void hold(podium_lease* lease, bool held) {
    enter("output_flow.hold", [&] { functions_->hold(made_.self(), lease, held); });
  }

 private:
  Context& context_;
  MadeRuntime& made_;
  const podium_output_flow* functions_;
};

void must_begin(OneRun& run) {
  must_succeed("start", run.started());
  if (!run.seen().wait_for_bytes(1, std::chrono::seconds(20))) {
    throw Broken("the program of --echo printed nothing of its standard input",
                 "its standard input");
  }
}

/// Whether the hold came before all of the output, as it does but on a machine that stood still;
/// then what it has to do is looked at.
bool holds_in_time(Context& context) {
  RuntimeSubject it(context);
  Flow flow(context, *it.made);
  OneRun run(context, *it.made, flow.program(), flow.printing_much());
  must_begin(run);
  flow.hold(run.lease(), true);
  flow.hold(run.lease(), true);
  if (run.seen().wait_for_bytes(much().size(), milliseconds(0))) {
    flow.hold(run.lease(), false);
    run.complete();
    return false;
  }
  if (run.seen().wait_for_bytes(much().size(), milliseconds(1500))) {
    throw Broken("all of 4 MiB of output came, and a hold was in force",
                 "no output but the call that was under way");
  }
  if (run.seen().completions() > 0)
    throw Broken("the run completed before its output was taken", "a program that waits");
  flow.hold(run.lease(), false);
  run.complete();
  const std::size_t got = run.seen().out().size();
  if (run.seen().out() == much()) return true;
  throw Broken("after the hold " + std::to_string(got) + " bytes had come, or other ones",
               std::to_string(much().size()) + " bytes as the program printed them");
}

void holds(Context& context) {
  constexpr int kAttempts = 10;
  for (int i = 0; i < kAttempts; ++i) {
    if (holds_in_time(context)) return;
  }
  throw Broken("all of 4 MiB of output came before a hold was in force, in each of 10 runs",
               "output in calls of their own, between which a hold begins");
}

void ends_a_held_run(Context& context) {
  RuntimeSubject it(context);
  Flow flow(context, *it.made);
  OneRun run(context, *it.made, flow.program(), flow.printing_much());
  must_begin(run);
  flow.hold(run.lease(), true);
  run.cancel();
  if (run.seen().wait(kSoon)) return;
  flow.hold(run.lease(), false);  // so that it can end
  throw Broken("a run that was held and cancelled gave no completion within 5 s",
               "an end at once: held output is dropped");
}

void may_be_held_from_output(Context& context) {
  RuntimeSubject it(context);
  Flow flow(context, *it.made);
  std::atomic<bool> inside{false}, held{false}, waited_in_vain{false};
  Given given = flow.printing_much();
  given.at_output = [&](podium_lease* lease) {
    if (inside.exchange(true)) return;
    // Another thread holds the run while this one is in output.
    const auto until = std::chrono::steady_clock::now() + kSoon;
    while (!held && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(milliseconds(1));
    waited_in_vain = !held;
    if (waited_in_vain) return;
    flow.hold(lease, false);  // and this one lets it go on, from within output
  };
  OneRun run(context, *it.made, flow.program(), std::move(given));
  must_begin(run);
  flow.hold(run.lease(), true);
  held = true;
  run.wait();
  if (waited_in_vain) {
    throw Broken("hold did not return while another thread was in output",
                 "a hold that never waits: no lock around output that it takes");
  }
}

}  // namespace

std::vector<Case> output_flow_cases() {
  constexpr Kind kKind = Kind::kRuntime;
  return {
      {"runtime/hold", "a held program waits in its writes, and nothing of its output is lost",
       kKind, false, holds},
      {"runtime/hold_cancel", "a held run can be cancelled", kKind, false, ends_a_held_run},
      {"runtime/hold_in_output", "hold never waits, also from within output and beside it", kKind,
       false, may_be_held_from_output},
  };
}

}  // namespace podium::conform
