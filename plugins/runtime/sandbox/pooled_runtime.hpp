#pragma once
#include <podium/plugin.hpp>

#include <string>
#include <utility>
#include <vector>

#include "pool_metrics.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {

/// What runtimes have in common whose runs go to pools of sandboxes: everything but the choice of
/// the pool and what is said of the pools' health.
class PooledRuntime : public sdk::Runtime,
                      public sdk::Health,
                      public sdk::Metrics,
                      public sdk::RunInput,
                      public sdk::OutputFlow {
 public:
  static constexpr bool kTellsRoom = true;

  bool own_workspace() const noexcept override { return true; }

  void cancel(podium_lease* lease) noexcept override { sandboxes_.cancel(lease); }
  void release(podium_lease* lease) noexcept override { sandboxes_.release(lease); }

  void write_input(podium_lease* lease, std::string_view data) override {
    sandboxes_.write_input(lease, data);
  }
  void close_input(podium_lease* lease) override { sandboxes_.close_input(lease); }
  void signal(podium_lease* lease, int number) override { sandboxes_.signal(lease, number); }
  void hold_output(podium_lease* lease, bool held) noexcept override {
    sandboxes_.hold_output(lease, held);
  }

  void collect(const sdk::MetricSink& metrics) override { collect_metrics(sandboxes_, metrics); }

 protected:
  PooledRuntime(sdk::Host host, std::vector<PoolOptions> pools)
      : sandboxes_(host, std::move(pools)) {}

  /// The options "min" and "max". Throws sdk::Error that names the one at fault.
  static void check_sizes(const sdk::Options& options) {
    if (options.integer("min") <= options.integer("max")) return;
    throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                     "option 'min' is " + std::to_string(options.integer("min")) +
                         ", expected at most 'max', " + std::to_string(options.integer("max")));
  }
  /// By the options "min", "max" and "starting"; nothing is checked.
  static PoolOptions sized_pool(const sdk::Options& options) {
    PoolOptions pool;
    pool.min = static_cast<unsigned>(options.integer("min"));
    pool.max = static_cast<unsigned>(options.integer("max"));
    pool.starting = static_cast<unsigned>(options.integer("starting"));
    pool.limits = kFirstLimits;
    return pool;
  }
  /// Of a runtime with one pool. Degraded when a limit cannot be enforced.
  sdk::HealthReport health_of_only_pool() const {
    sdk::HealthReport report;
    report.detail =
        "{\"pool\":" + state_json(sandboxes_.state(0)) + ",\"sandbox\":" + sandboxes_.facts() + "}";
    if (!sandboxes_.unenforced().empty()) report.state = PODIUM_DEGRADED;
    return report;
  }

  Sandboxes sandboxes_;
};

}  // namespace podium::sandbox
