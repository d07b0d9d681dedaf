/// How the daemon is: for load balancers, for people, for Prometheus.

#include "http/exchange.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kReadyBound{2000};
// So that the answer is there before who waits for ten seconds has given up.
constexpr milliseconds kDetailedBound{9'500};
// Probes of several balancers share one look at the plugins.
constexpr milliseconds kReadyFresh{1000};

HealthCheck check_of(std::shared_ptr<Instance> instance, milliseconds bound) {
  HealthCheck check;
  check.name = instance->name();
  check.key = instance.get();
  check.ask = [instance = std::move(instance), bound] { return instance->check_health(bound); };
  return check;
}

/// What a run needs at the least: its storage and a runtime.
std::vector<HealthCheck> needed_parts(const Generation& generation) {
  std::vector<HealthCheck> checks;
  for (const std::shared_ptr<Instance>& instance : generation.instances()) {
    const bool needed = dynamic_cast<Runtime*>(instance.get()) != nullptr ||
                        instance.get() == static_cast<Instance*>(&generation.storage());
    if (needed) checks.push_back(check_of(instance, kReadyBound));
  }
  return checks;
}

/// Why no run could start, or nothing.
std::string missing_for_runs(const Generation& generation,
                             const std::vector<HealthOutcome>& outcomes) {
  bool runtime_up = false;
  for (const HealthOutcome& outcome : outcomes) {
    const bool up = outcome.health.state != HealthState::kUnhealthy;
    if (outcome.name == generation.storage().name()) {
      if (!up) return "the storage " + outcome.name + " is unhealthy";
    } else {
      runtime_up = runtime_up || up;
    }
  }
  return runtime_up ? std::string() : "no runtime is healthy";
}

Task<std::string> look_for_missing(Exchange& exchange) {
  ServerState& server = exchange.server();
  if (server.draining) co_return "shutting down";
  if (!exchange.generation()) co_return "starting";
  ServerState::Readiness& last = server.readiness;
  const bool fresh =
      last.generation == exchange.generation()->number() && Clock::now() - last.when < kReadyFresh;
  if (!fresh) {
    const std::vector<HealthOutcome> outcomes =
        co_await server.health.run(needed_parts(*exchange.generation()), kReadyBound);
    last.missing = missing_for_runs(*exchange.generation(), outcomes);
    last.generation = exchange.generation()->number();
    last.when = Clock::now();
  }
  co_return last.missing;
}

/// Runs without files need no database: without it this daemon is degraded, not down.
Health database_health(SessionStore& sessions) {
  Health health;
  try {
    sessions.check();
  } catch (const std::exception& failure) {
    health.state = HealthState::kDegraded;
    health.detail = Json::object({{"reason", failure.what()},
                                  {"effect",
                                   "runs without files work; files cannot be kept or "
                                   "found; keys cannot be changed"}});
  }
  return health;
}

std::vector<HealthCheck> all_parts(Exchange& exchange) {
  std::vector<HealthCheck> checks;
  for (const std::shared_ptr<Instance>& instance : exchange.generation()->instances()) {
    checks.push_back(check_of(instance, kDetailedBound));
  }
  SessionStore& sessions = exchange.context().sessions;
  checks.push_back({"database", &sessions, [&sessions] { return database_health(sessions); }});
  const std::function<Json()>& facts = exchange.context().sandbox_facts;
  checks.push_back({"sandbox", &facts, [facts] {
                      Health health;
                      if (facts) health.detail = facts();
                      return health;
                    }});
  return checks;
}

Json outcome_json(const HealthOutcome& outcome) {
  Json json = Json::object(
      {{"status", to_string(outcome.health.state)}, {"response_time_ms", outcome.response_ms}});
  if (outcome.health.detail.is_object() && !outcome.health.detail.members().empty()) {
    json.set("detail", outcome.health.detail);
  }
  return json;
}

}  // namespace

Task<> health_route(Exchange& exchange) {
  const Json body = Json::object({{"status", "healthy"}, {"version", exchange.context().version}});
  co_await exchange.answer(json_answer(200, body));
}

Task<> ready_route(Exchange& exchange) {
  const std::string missing = co_await look_for_missing(exchange);
  if (!missing.empty()) throw Failure(Code::kUnavailable, "not ready: " + missing);
  const Json body = Json::object({{"status", "ready"}});
  co_await exchange.answer(json_answer(200, body));
}

Task<> health_detailed_route(Exchange& exchange) {
  ServerState& server = exchange.server();
  const std::vector<HealthOutcome> outcomes =
      co_await server.health.run(all_parts(exchange), kDetailedBound);
  const HealthState state = worst(outcomes);
  Json plugins = Json::object();
  Json body = Json::object({{"status", to_string(state)},
                            {"version", exchange.context().version},
                            {"generation", exchange.generation()->number()}});
  body.set(
      "uptime_seconds",
      static_cast<long>(
          std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - server.started).count()));
  const auto& instances = exchange.generation()->instances();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Json json = outcome_json(outcomes[i]);
    if (i < instances.size()) {
      json.set("plugin", instances[i]->plugin_id());
      plugins.set(outcomes[i].name, std::move(json));
    } else {
      body.set(outcomes[i].name, std::move(json));
    }
  }
  body.set("plugins", std::move(plugins));
  ExecService& exec = exchange.context().exec;
  body.set("runs", Json::object({{"running", exec.running()}, {"waiting", exec.waiting()}}));
  body.set("connections", server.open());
  Answer answer = json_answer(state == HealthState::kUnhealthy ? 503 : 200, body);
  if (state == HealthState::kDegraded) answer.headers.add("X-Health-Status", "degraded");
  co_await exchange.answer(std::move(answer));
}

Task<> metrics_route(Exchange& exchange) {
  ServerState& server = exchange.server();
  server.write_down_finished();
  Metrics& metrics = exchange.context().metrics;
  ExecService& exec = exchange.context().exec;
  metrics.set_queue(exec.running(), exec.waiting());
  metrics.set_connections(static_cast<unsigned>(server.open()));
  metrics.set_log_lines_dropped(exchange.context().log.lines_dropped());

  // On a thread of its own, as a check: a plugin that blocks in spite of its contract holds up
  // nobody else.
  HealthCheck collect;
  collect.name = "metrics";
  collect.key = &metrics;
  collect.ask = [&metrics, generation = exchange.generation()] {
    Health health;
    health.detail = metrics.text([&](const std::function<void(const Metrics::Sample&)>& each) {
      for (const auto& instance : generation->instances()) instance->collect_metrics(each);
    });
    return health;
  };
  std::vector<HealthCheck> checks;
  checks.push_back(std::move(collect));
  const std::vector<HealthOutcome> outcomes =
      co_await server.health.run(std::move(checks), kDetailedBound);
  if (worst(outcomes) != HealthState::kHealthy) {
    throw Failure(Code::kUnavailable, "the metrics could not be collected in time");
  }
  Answer answer;
  answer.media_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = outcomes.front().health.detail.string();
  co_await exchange.answer(std::move(answer));
}

}  // namespace podium
