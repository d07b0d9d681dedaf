#include "http/health.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

namespace podium {

using Clock = std::chrono::steady_clock;

/// A check under way. Members are touched on the I/O thread only.
struct HealthProbe::Running {
  Clock::time_point began = Clock::now();
  bool done = false;
  Health health;
  double response_ms = 0;
  std::vector<std::weak_ptr<Timer>> waiting;
};

HealthProbe::~HealthProbe() { close(); }

void HealthProbe::close() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return threads_ == 0; });
}

std::shared_ptr<HealthProbe::Running> HealthProbe::begin(const HealthCheck& check) {
  std::shared_ptr<Running>& running = (*running_)[check.key];
  if (running) return running;
  running = std::make_shared<Running>();
  const auto count = [this](int change) {
    std::lock_guard lock(mutex_);
    threads_ += change;
    ended_.notify_all();
  };
  count(1);
  try {
    start(running, check);
  } catch (const std::system_error&) {  // no thread: asked again by whoever wants to know next
    count(-1);
    running->done = true;
    running->health.state = HealthState::kUnhealthy;
    running->health.detail = Json::object({{"error", "no thread could be started to ask it"}});
    return std::exchange((*running_)[check.key], nullptr);
  }
  return running;
}

void HealthProbe::start(const std::shared_ptr<Running>& running, const HealthCheck& check) {
  std::thread([this, running, table = running_, key = check.key, ask = check.ask]() mutable {
    Health health;
    try {
      health = ask();
    } catch (const std::exception& error) {
      health.state = HealthState::kUnhealthy;
      health.detail = Json::object({{"error", error.what()}});
    }
    ask = nullptr;  // what it kept alive dies here, not on the I/O thread
    const double took =
        std::chrono::duration<double, std::milli>(Clock::now() - running->began).count();
    asio::post(io_, [table = std::move(table), running = std::move(running), key, took,
                     health = std::move(health)] {
      running->done = true;
      running->health = health;
      running->response_ms = took;
      table->erase(key);
      for (const auto& waiting : running->waiting) {
        if (const auto timer = waiting.lock()) timer->cancel();
      }
    });
    std::lock_guard lock(mutex_);
    --threads_;
    ended_.notify_all();
  }).detach();
}

Task<std::vector<HealthOutcome>> HealthProbe::run(std::vector<HealthCheck> checks,
                                                  milliseconds bound) {
  const auto timer = std::make_shared<Timer>(io_);
  std::vector<std::shared_ptr<Running>> all;
  for (const HealthCheck& check : checks) {
    all.push_back(begin(check));
    std::erase_if(all.back()->waiting, [](const auto& waiting) { return waiting.expired(); });
    all.back()->waiting.push_back(timer);
  }
  const auto is_done = [](const std::shared_ptr<Running>& one) { return one->done; };
  const Clock::time_point end = Clock::now() + bound;
  while (Clock::now() < end && !std::all_of(all.begin(), all.end(), is_done)) {
    timer->expires_at(end);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  std::vector<HealthOutcome> outcomes;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    HealthOutcome outcome;
    outcome.name = checks[i].name;
    if (all[i]->done) {
      outcome.health = all[i]->health;
      outcome.response_ms = all[i]->response_ms;
    } else {
      outcome.health.state = HealthState::kUnhealthy;
      outcome.health.detail =
          Json::object({{"error", "no answer within " + std::to_string(bound.count()) + " ms"}});
      outcome.response_ms =
          std::chrono::duration<double, std::milli>(Clock::now() - all[i]->began).count();
    }
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

HealthState worst(const std::vector<HealthOutcome>& outcomes) noexcept {
  HealthState found = HealthState::kHealthy;
  for (const HealthOutcome& outcome : outcomes) found = std::max(found, outcome.health.state);
  return found;
}

const char* to_string(HealthState state) noexcept {
  switch (state) {
    case HealthState::kHealthy:
      return "healthy";
    case HealthState::kDegraded:
      return "degraded";
    case HealthState::kUnhealthy:
      return "unhealthy";
  }
  return "unhealthy";
}

}  // namespace podium
