/// Rules of every call.

#include "../plugin.hpp"

namespace podium::conform {
namespace {

/// Everything that a plugin has, used well and badly.
void use_everything(Context& context, Asking how) {
  const Library library(context.settings.library);
  ask_from_now_on(how);
  context.kind = library.kind();
  with_any(context, library, options_of(context), PODIUM_DRY_RUN, [](auto& made) {
    if (made.answer().ok()) made.destroy();
  });
  with_any(context, library, options_of(context), 0, [&](auto& made) {
    if (!made.answer().ok()) return;
    exercise(context, made);
    sdk::testing::BufferSink detail;
    std::uint32_t state = 0;
    if (const auto* health = static_cast<const podium_health*>(made.extension(PODIUM_EXT_HEALTH))) {
      enter("health.check", [&] { health->check(made.self(), 500, &state, detail.raw()); });
    }
    if (const auto* metrics =
            static_cast<const podium_metrics*>(made.extension(PODIUM_EXT_METRICS))) {
      enter("metrics.collect",
            [&] { metrics->collect(made.self(), nullptr, [](void*, const podium_metric*) {}); });
    }
    made.destroy();
  });
}

void lets_no_exception_out(Context& context) { use_everything(context, Asking::kJudgeExceptions); }

void says_why_it_fails(Context& context) {
  const Library library(context.settings.library);
  context.kind = library.kind();
  with_any(context, library, options_of(context), 0, [&](auto& made) {
    must_succeed("create", made.answer());
    ask_from_now_on(Asking::kJudgeErrors);
    exercise(context, made);
    ask_from_now_on(Asking::kPlainly);
  });
}

void bears_a_null_error(Context& context) { use_everything(context, Asking::kWithoutError); }

}  // namespace

std::vector<Case> call_cases() {
  return {
      {kNoExceptionCase, "no exception leaves a function of the plugin", Kind::kAny, false,
       lets_no_exception_out},
      {"calls/errors", "a failure has a known code and says why", Kind::kAny, false,
       says_why_it_fails},
      {"calls/null_error", "err may be NULL", Kind::kAny, false, bears_a_null_error},
  };
}

}  // namespace podium::conform
