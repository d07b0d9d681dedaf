/// podium.run-input/1 of a runtime: what a program hears while it runs.

#include <csignal>
#include <thread>

#include "runs.hpp"

namespace podium::conform {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The extension, driven for one run.
class Input {
 public:
  /// Throws NotRun.
  explicit Input(MadeRuntime& made)
      : made_(made),
        functions_(static_cast<const podium_run_input*>(made.extension(PODIUM_EXT_RUN_INPUT))) {
    if (functions_ == nullptr) throw NotRun("it offers no " PODIUM_EXT_RUN_INPUT);
  }

  Answer write(OneRun& run, std::string_view data) {
    return ask("run_input.write", [&](podium_error* error) {
      return functions_->write(made_.self(), run.lease(), sdk::bytes(data), error);
    });
  }
  /// All of it, by and by: what is refused is given again. Throws Broken.
  void write_all(OneRun& run, std::string_view data, std::size_t piece) {
    const auto until = Clock::now() + std::chrono::seconds(30);
    while (!data.empty()) {
      const Answer answer = write(run, data.substr(0, piece));
      if (answer.ok()) {
        data.remove_prefix(std::min(piece, data.size()));
        continue;
      }
      if (answer.code != PODIUM_RESOURCE_EXHAUSTED || Clock::now() > until)
        must_succeed("run_input.write", answer);
      std::this_thread::sleep_for(milliseconds(1));  // "try later"
    }
  }
  void close(OneRun& run) {
    enter("run_input.close", [&] { functions_->close(made_.self(), run.lease()); });
  }
  Answer signal(OneRun& run, int number) {
    return ask("run_input.signal", [&](podium_error* error) {
      return functions_->signal(made_.self(), run.lease(), number, error);
    });
  }

 private:
  MadeRuntime& made_;
  const podium_run_input* const functions_;
};

Given open(std::string standard_input = {}) {
  Given given;
  given.standard_input = std::move(standard_input);
  given.open_input = true;
  given.limits.output_bytes = 16u << 20;
  return given;
}

void must_have_printed(OneRun& run, const std::string& expected) {
  const std::string out = run.seen().out();
  if (out != expected) throw Broken("the program of --echo printed " + shown(out), shown(expected));
}

void ends_by_itself(Context& context) {
  RuntimeSubject it(context);
  Given given;
  given.standard_input = "one\ntwo\n";
  OneRun run(context, *it.made, echo_of(context), std::move(given));
  must_succeed("start", run.started());
  if (!run.seen().wait(kSoon)) {
    throw Broken("the program of --echo still reads after all of standard_input",
                 "the end of its standard input, as PODIUM_RUN_OPEN_INPUT is not set");
  }
  must_have_printed(run, "one\ntwo\n");
}

void passes_on(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, echo_of(context), open("one\n"));
  must_succeed("start", run.started());
  input.write_all(run, "two\n", 4);
  input.write_all(run, std::string("three\0\n", 7), 7);
  input.close(run);
  run.complete();
  must_have_printed(run, std::string("one\ntwo\nthree\0\n", 15));
}

void passes_on_at_once(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, echo_of(context), open());
  must_succeed("start", run.started());
  for (const std::string line : {"ping\n", "pong\n"}) {
    input.write_all(run, line, line.size());
    if (run.seen().wait_for(line, std::chrono::seconds(20))) continue;
    throw Broken("what was written did not reach the program of --echo before the end of its input",
                 "every line at once; if the program keeps lines back, correct --echo");
  }
  input.close(run);
  run.complete();
  must_have_printed(run, "ping\npong\n");
}

void takes_whole_pieces(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, echo_of(context), open());
  must_succeed("start", run.started());
  std::string expected;
  for (int i = 0; expected.size() < (2u << 20); ++i) {
    expected += std::to_string(i) + std::string(90, 'a' + static_cast<char>(i % 26)) + "\n";
  }
  input.write_all(run, expected, 60'000);
  input.close(run);
  run.complete();
  const std::string out = run.seen().out();
  if (out == expected) return;
  const auto at =
      std::mismatch(out.begin(), out.end(), expected.begin(), expected.end()).first - out.begin();
  throw Broken("of " + std::to_string(expected.size()) + " bytes written, " +
                   std::to_string(out.size()) + " were printed, wrong from byte " +
                   std::to_string(at),
               "what was taken, once and in order, and nothing of what was refused");
}

void never_waits(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, forever_of(context), open());
  must_succeed("start", run.started());
  const std::string piece(1u << 20, 'x');
  constexpr int kMost = 64;
  for (int i = 0; i < kMost; ++i) {
    const Answer answer = input.write(run, piece);
    if (answer.ok()) continue;
    if (answer.code == PODIUM_RESOURCE_EXHAUSTED) return;
    throw Broken("run_input.write to a program that does not read answered " + told(answer),
                 "PODIUM_RESOURCE_EXHAUSTED");
  }
  throw Broken("it took 64 MiB that nobody reads",
               "PODIUM_RESOURCE_EXHAUSTED before it holds so much");
}

void bears_late_input(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, echo_of(context), open());
  must_succeed("start", run.started());
  input.write_all(run, "on time\n", 8);
  input.close(run);
  input.close(run);
  must_succeed("run_input.write after close", input.write(run, "late\n"));
  run.wait();
  must_succeed("run_input.write after the completion", input.write(run, "later\n"));
  input.close(run);
  must_have_printed(run, "on time\n");
  run.release();
}

void passes_signals_on(Context& context) {
  RuntimeSubject it(context);
  Input input(*it.made);
  OneRun run(context, *it.made, forever_of(context), open());
  must_succeed("start", run.started());
  const auto until = Clock::now() + std::chrono::seconds(20);
  Answer answer = input.signal(run, SIGTERM);
  while (answer.code == PODIUM_UNAVAILABLE && Clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(5));  // it has not begun
    answer = input.signal(run, SIGTERM);
  }
  must_succeed("run_input.signal", answer);
  if (!run.seen().wait(kSoon)) {
    throw Broken("the program of --forever still runs 5 s after SIGTERM",
                 "an end; if it ignores SIGTERM, correct --forever");
  }
  const podium_completion end = run.seen().completion();
  if (end.code != PODIUM_OK || end.limit != PODIUM_LIMIT_NONE) {
    throw Broken("the completion has code " + std::to_string(end.code) + " and limit " +
                     std::to_string(end.limit),
                 "PODIUM_OK and no limit: the program was started, and ended by a signal");
  }
  static_cast<void>(input.signal(run, SIGTERM));  // harmless now
  run.release();
}

}  // namespace

std::vector<Case> run_input_cases() {
  constexpr Kind kKind = Kind::kRuntime;
  return {
      {"runtime/standard_input",
       "without PODIUM_RUN_OPEN_INPUT a program's input ends behind standard_input", kKind, false,
       ends_by_itself},
      {"runtime/input", "what is written comes behind standard_input, in order, and close ends it",
       kKind, false, passes_on},
      {"runtime/input_at_once", "what is written reaches the program while it runs", kKind, false,
       passes_on_at_once},
      {"runtime/input_whole", "a write is taken whole or refused whole", kKind, false,
       takes_whole_pieces},
      {"runtime/input_bound", "a write never waits, and what a program does not read has a bound",
       kKind, false, never_waits},
      {"runtime/late_input",
       "close is harmless twice, and a write after it is dropped with PODIUM_OK", kKind, false,
       bears_late_input},
      {"runtime/signal", "a signal reaches the program, and is harmless after its end", kKind,
       false, passes_signals_on},
  };
}

}  // namespace podium::conform
