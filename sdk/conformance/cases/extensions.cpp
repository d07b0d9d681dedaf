/// What an instance offers besides its kind.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <set>

#include "../json_document.hpp"
#include "../plugin.hpp"

namespace podium::conform {
namespace {

using Clock = std::chrono::steady_clock;

/// A busy machine may lose so much between two instructions.
constexpr std::chrono::milliseconds kSlack{2000};

template <class Use>
void with_instance(Context& context, Use&& use) {
  const Library library(context.settings.library);
  context.kind = library.kind();
  with_any(context, library, options_of(context), 0, [&](auto& made) {
    must_succeed("create", made.answer());
    use(made);
  });
}

/// An extension and its size as it first was. Each is a size, and then nothing but functions.
struct Extension {
  const char* id;
  std::uint32_t size;
};
constexpr Extension kExtensions[] = {
    {PODIUM_EXT_HEALTH, 16},     {PODIUM_EXT_METRICS, 16},     {PODIUM_EXT_LOCAL_FILE, 16},
    {PODIUM_EXT_ADOPT_FILE, 16}, {PODIUM_EXT_PUT_PARTS, 48},   {PODIUM_EXT_MAINTENANCE, 16},
    {PODIUM_EXT_RUN_INPUT, 32},  {PODIUM_EXT_OUTPUT_FLOW, 16}, {PODIUM_EXT_EVENT_STREAM, 16}};

/// Calls `judge` with each extension that the instance offers and the size that it says.
template <class Judge>
void with_extensions(Context& context, Judge&& judge) {
  with_instance(context, [&](auto& made) {
    for (const Extension& known : kExtensions) {
      const void* found = made.extension(known.id);
      if (found != nullptr) judge(known, found, *static_cast<const std::uint32_t*>(found));
    }
  });
}

void have_their_sizes(Context& context) {
  with_extensions(context, [](const Extension& known, const void*, std::uint32_t size) {
    if (size >= known.size) return;
    throw Broken(std::string("its extension ") + known.id + " says that it has " +
                     std::to_string(size) + " bytes",
                 "its sizeof, at least " + std::to_string(known.size));
  });
}

void have_their_functions(Context& context) {
  with_extensions(context, [](const Extension& known, const void* found, std::uint32_t size) {
    for (std::uint32_t at = 8; at + sizeof(void*) <= std::min(size, known.size);
         at += sizeof(void*)) {
      void* function = nullptr;
      std::memcpy(&function, static_cast<const char*>(found) + at, sizeof function);
      if (function != nullptr) continue;
      throw Broken(std::string("its extension ") + known.id + " has NULL for its function number " +
                       std::to_string(at / 8),
                   "every function; what it cannot do it answers with PODIUM_UNSUPPORTED");
    }
  });
}

void are_not_made_up(Context& context) {
  with_instance(context, [](auto& made) {
    for (const std::string& id :
         {std::string(), std::string("podium.health/99"), std::string("podium.health"),
          std::string("org.example.unheard-of/1"), std::string(10'000, 'x')}) {
      if (made.extension(id.c_str()) == nullptr) continue;
      throw Broken("get_extension(" + shown(id) + ") gave something",
                   "NULL for an id that it does not know");
    }
  });
}

void answers_of_its_health(Context& context) {
  with_instance(context, [](auto& made) {
    const auto* health = static_cast<const podium_health*>(made.extension(PODIUM_EXT_HEALTH));
    if (health == nullptr) throw NotRun("it offers no " PODIUM_EXT_HEALTH);
    constexpr std::int64_t kDeadlineMs = 500;
    sdk::testing::BufferSink detail;
    std::uint32_t state = 99;
    const auto began = Clock::now();
    enter("health.check", [&] { health->check(made.self(), kDeadlineMs, &state, detail.raw()); });
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    if (took.count() > kDeadlineMs + kSlack.count()) {
      throw Broken("check took " + std::to_string(took.count()) + " ms",
                   "at most deadline_ms, " + std::to_string(kDeadlineMs));
    }
    if (state > PODIUM_UNHEALTHY) {
      throw Broken(
          state == 99 ? "check set no state" : "check said the state " + std::to_string(state),
          "a podium_health_state");
    }
    const std::string reason = detail.text().empty() ? "" : why_not_json_object(detail.text());
    if (!reason.empty())
      throw Broken("the detail of check: " + reason + ": " + shown(detail.text()),
                   "one JSON object");
  });
}

bool is_metric_name(std::string_view name) {
  static constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
  return !name.empty() && kLetters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(std::string(kLetters) + "0123456789") == std::string_view::npos;
}

void check_metric(const podium_metric& metric) {
  if (metric.name == nullptr || !is_metric_name(metric.name)) {
    throw Broken("a metric has the name " +
                     (metric.name == nullptr ? std::string("NULL") : shown(metric.name)),
                 "[a-zA-Z_:][a-zA-Z0-9_:]*");
  }
  const std::string who = std::string("the metric ") + metric.name;
  if (metric.kind != PODIUM_COUNTER && metric.kind != PODIUM_GAUGE) {
    throw Broken(who + " is of kind " + std::to_string(metric.kind),
                 "PODIUM_COUNTER or PODIUM_GAUGE");
  }
  if (metric.help == nullptr || metric.labels == nullptr)
    throw Broken(who + " has help or labels NULL", "texts");
}

void gives_metrics(Context& context) {
  with_instance(context, [](auto& made) {
    const auto* metrics = static_cast<const podium_metrics*>(made.extension(PODIUM_EXT_METRICS));
    if (metrics == nullptr) throw NotRun("it offers no " PODIUM_EXT_METRICS);
    struct Seen {
      std::set<std::string> names;
      std::exception_ptr broken;
    } seen;
    enter("metrics.collect", [&] {
      metrics->collect(made.self(), &seen, [](void* ctx, const podium_metric* metric) {
        auto& to = *static_cast<Seen*>(ctx);
        try {
          check_metric(*metric);
          const std::string sample = std::string(metric->name) + "{" + metric->labels + "}";
          if (!to.names.insert(sample).second)
            throw Broken("the sample " + sample + " comes twice", "once");
        } catch (...) {
          to.broken = std::current_exception();
        }
      });
    });
    if (seen.broken) std::rethrow_exception(seen.broken);
  });
}

}  // namespace

std::vector<Case> extension_cases() {
  return {
      {"extensions/sizes", "an extension says its size", Kind::kAny, false, have_their_sizes},
      {"extensions/functions", "an extension has all of its functions", Kind::kAny, false,
       have_their_functions},
      {"extensions/unknown_ids", "get_extension of an unknown id is NULL", Kind::kAny, false,
       are_not_made_up},
      {"extensions/health",
       "a health check keeps its deadline, sets a state, and details it in JSON", Kind::kAny, false,
       answers_of_its_health},
      {"extensions/metrics", "metrics are such as Prometheus can read", Kind::kAny, false,
       gives_metrics},
  };
}

}  // namespace podium::conform
