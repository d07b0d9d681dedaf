/// Kind runtime.

#include <list>
#include <thread>

#include "runs.hpp"

namespace podium::conform {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string number(std::int64_t value) { return std::to_string(value); }

/// What the plugin says after the completion, if it does, it says soon.
void let_it_talk() { std::this_thread::sleep_for(milliseconds(100)); }

void completes_once(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  let_it_talk();
  if (run.seen().completions() != 1)
    throw Broken(number(run.seen().completions()) + " completions came", "one");
}

void is_quiet_after_the_end(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  let_it_talk();
  if (run.seen().late_outputs() > 0)
    throw Broken("output came after the completion", "the completion as the last call");
}

void knows_two_streams(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  if (run.seen().unknown_streams() > 0)
    throw Broken("output came on a stream that is neither 1 nor 2", "1 or 2");
}

void calls_back_one_at_a_time(Context& context) {
  RuntimeSubject it(context);
  for (int i = 0; i < 5; ++i) {
    OneRun run(context, *it.made, program_of(context));
    run.complete();
    if (run.seen().overlaps() > 0)
      throw Broken("two callbacks of one run came at a time", "one after the other");
  }
}

void tells_a_sound_completion(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  const podium_completion end = run.seen().completion();
  if (run.seen().completion_size() < 96) {
    throw Broken(
        "the completion says that it has " + number(run.seen().completion_size()) + " bytes",
        "sizeof(podium_completion)");
  }
  if (end.code > PODIUM_INTERNAL) throw Broken("its code is " + number(end.code), "a podium_code");
  if (end.code != PODIUM_OK) {
    throw Broken("the program could not be run: code " + number(end.code) + " (" +
                     shown(run.seen().message()) + ")",
                 "PODIUM_OK; if the program is wrong, correct --program");
  }
  if (end.limit > PODIUM_LIMIT_DISK)
    throw Broken("its limit is " + number(end.limit), "a podium_limit_hit");
  if (end.phase > PODIUM_PHASE_COMPILE)
    throw Broken("its phase is " + number(end.phase), "a podium_phase");
  if (end.limit == PODIUM_LIMIT_NONE && end.signal == 0 &&
      (end.exit_code < 0 || end.exit_code > 255)) {
    throw Broken("it exited by itself with " + number(end.exit_code), "an exit code from 0 to 255");
  }
  if (end.wall_us < 0 || end.cpu_us < 0 || end.start_us < 0)
    throw Broken("one of its times is negative", "times");
}

void gives_output(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  if (run.seen().out().size() + run.seen().err().size() >= 2) return;
  throw Broken("the program printed " + shown(run.seen().out() + run.seen().err()),
               "what --program prints, two bytes or more");
}

void cuts_output(Context& context) {
  RuntimeSubject it(context);
  podium_limits limits = sdk::testing::ample_limits();
  limits.output_bytes = 1;
  OneRun run(context, *it.made, program_of(context), {limits, {}, false, {}});
  run.complete();
  const std::size_t most = std::max(run.seen().out().size(), run.seen().err().size());
  if (most > 1)
    throw Broken(number(static_cast<std::int64_t>(most)) + " bytes of a stream came",
                 "at most output_bytes, 1");
  if (run.seen().completion().limit != PODIUM_LIMIT_OUTPUT) {
    throw Broken("the limit that was hit is told as " + number(run.seen().completion().limit),
                 "PODIUM_LIMIT_OUTPUT");
  }
}

void keeps_deadlines(Context& context) {
  RuntimeSubject it(context);
  podium_limits limits = sdk::testing::ample_limits();
  limits.wall_ms = 300;
  const std::string forever = forever_of(context);
  if (!context.settings.program.empty()) {
    // What is made for the first run only, an interpreter that waits say, is not of this run's
    // time.
    OneRun first(context, *it.made, context.settings.program);
    first.complete();
  }
  const auto began = Clock::now();
  OneRun run(context, *it.made, forever, {limits, {}, false, {}});
  run.complete();
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  if (took > milliseconds(limits.wall_ms) + kSoon) {
    throw Broken("a run of wall_ms 300 ended after " + number(took.count()) + " ms",
                 "soon after wall_ms");
  }
  if (run.seen().completion().limit != PODIUM_LIMIT_WALL) {
    throw Broken("the limit that was hit is told as " + number(run.seen().completion().limit),
                 "PODIUM_LIMIT_WALL");
  }
}

void honours_cancel(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, forever_of(context));
  must_succeed("start", run.started());
  if (run.seen().wait(milliseconds(200)))
    throw Broken("--forever ended by itself", "a program that goes on");
  run.cancel();
  run.cancel();  // harmless
  run.wait(kSoon);
  if (run.seen().completion().code != PODIUM_CANCELLED) {
    throw Broken(
        "the completion of a cancelled run has code " + number(run.seen().completion().code),
        "PODIUM_CANCELLED");
  }
}

void bears_a_late_cancel(Context& context) {
  RuntimeSubject it(context);
  OneRun run(context, *it.made, program_of(context));
  run.complete();
  let_it_talk();
  const podium_completion before = run.seen().completion();
  const int completions = run.seen().completions();
  run.cancel();
  let_it_talk();
  if (run.seen().completions() != completions || run.seen().completion().code != before.code) {
    throw Broken("cancel after the completion changed something", "nothing");
  }
  run.release();
}

void overlaps(Context& context) {
  RuntimeSubject it(context);
  const std::uint32_t bound = (*it.made)->max_concurrency;
  const std::size_t count = bound == 0 ? 8 : std::min<std::size_t>(8, bound);
  OneRun alone(context, *it.made, program_of(context));
  alone.complete();
  alone.release();
  std::list<OneRun> runs;
  for (std::size_t i = 0; i < count; ++i) runs.emplace_back(context, *it.made, program_of(context));
  for (OneRun& run : runs) {
    run.complete();
    if (run.seen().out() == alone.seen().out() &&
        run.seen().completion().exit_code == alone.seen().completion().exit_code)
      continue;
    throw Broken("one of " + number(static_cast<std::int64_t>(count)) + " runs at a time printed " +
                     shown(run.seen().out()) + " and ended with " +
                     number(run.seen().completion().exit_code),
                 shown(alone.seen().out()) + " and " + number(alone.seen().completion().exit_code) +
                     ", as alone");
  }
}

void fails_or_completes(Context& context) {
  RuntimeSubject it(context);
  it.made->host().refuse_tasks("the host has no thread for it");
  OneRun run(context, *it.made, program_of(context));
  if (run.started().ok()) return run.complete();  // it needs none of the host's threads
  let_it_talk();
  if (run.seen().completions() > 0)
    throw Broken("a start that failed was followed by a completion", "no callback");
}

void ends_while_runs_are_cancelled(Context& context) {
  RuntimeSubject it(context);
  for (int i = 0; i < 10; ++i) {
    OneRun run(context, *it.made, forever_of(context));
    must_succeed("start", run.started());
    run.cancel();
    run.wait();
    run.release();
  }
  it.made->destroy();
}

}  // namespace

std::vector<Case> runtime_cases() {
  constexpr Kind kKind = Kind::kRuntime;
  return {
      {"runtime/completes_once", "each run that was started gets exactly one completion", kKind,
       false, completes_once},
      {"runtime/quiet_after_end", "the completion is the last call", kKind, false,
       is_quiet_after_the_end},
      {"runtime/streams", "output is of stream 1 or 2", kKind, false, knows_two_streams},
      {"runtime/one_callback", "callbacks of one run never overlap", kKind, false,
       calls_back_one_at_a_time},
      {"runtime/completion", "a completion says its size and has known values", kKind, false,
       tells_a_sound_completion},
      {"runtime/output", "what a program prints reaches the host", kKind, false, gives_output},
      {"runtime/output_limit",
       "at most output_bytes of a stream are passed on, and the limit is told", kKind, false,
       cuts_output},
      {"runtime/deadline", "a run ends at its wall_ms, and the limit is told", kKind, false,
       keeps_deadlines},
      {"runtime/cancel", "cancel ends a run at once, and the completion says so", kKind, false,
       honours_cancel},
      {"runtime/late_cancel", "cancel is harmless when the run has ended", kKind, false,
       bears_a_late_cancel},
      {"runtime/overlap", "runs at a time, up to max_concurrency, do not disturb each other", kKind,
       false, overlaps},
      {"runtime/failed_start", "a start that fails gives no callback", kKind, false,
       fails_or_completes},
      {"runtime/cancel_often", "runs that are cancelled at their start leave an instance that ends",
       kKind, false, ends_while_runs_are_cancelled},
  };
}

}  // namespace podium::conform
