// Runtime "job": runs a language's command line once, in a sandbox that was made ahead of need.

#include <podium/plugin.hpp>

#include <cstdio>

#include "pool_metrics.hpp"
#include "sandboxes.hpp"

namespace podium::job {
namespace {

using sandbox::PoolOptions;
using sandbox::PoolState;
using sandbox::Sandboxes;

class Job final : public sdk::Runtime,
                  public sdk::Health,
                  public sdk::Metrics,
                  public sdk::RunInput,
                  public sdk::OutputFlow {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_integer("min", "2", "Sandboxes that wait for a run when there is no demand", "0",
                          "256"),
      sdk::option_integer("max", "8", "Sandboxes that wait at most, when there is demand", "1",
                          "256"),
      sdk::option_integer("starting", "4", "Sandboxes made at a time", "1", "64"),
  };

  Job(sdk::Host host, const sdk::Options& options) : sandboxes_(host, {pool(options)}) {}

  static void check(const sdk::Options& options) {
    if (options.integer("min") > options.integer("max")) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'min' is " + std::to_string(options.integer("min")) +
                           ", expected at most 'max', " + std::to_string(options.integer("max")));
    }
  }

  bool own_workspace() const noexcept override { return true; }

  void start(const sdk::RunView& run, const sdk::Callbacks& callbacks,
             podium_lease*& lease) override {
    sandboxes_.start(0, run, callbacks, lease);
  }
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

  sdk::HealthReport health(std::chrono::milliseconds) override {
    const PoolState state = sandboxes_.state(0);
    sdk::HealthReport report;
    report.detail = "{\"pool\":" + sandbox::state_json(state) +
                    ",\"sandbox\":" + sandboxes_.facts() + "}";
    if (!sandboxes_.unenforced().empty()) report.state = PODIUM_DEGRADED;
    return report;
  }

  void collect(const sdk::MetricSink& metrics) override {
    sandbox::collect_metrics(sandboxes_, metrics);
  }

 private:
  static PoolOptions pool(const sdk::Options& options) {
    check(options);
    PoolOptions pool;
    pool.min = static_cast<unsigned>(options.integer("min"));
    pool.max = static_cast<unsigned>(options.integer("max"));
    pool.starting = static_cast<unsigned>(options.integer("starting"));
    pool.limits = sandbox::kFirstLimits;
    return pool;
  }

  Sandboxes sandboxes_;
};

}  // namespace
}  // namespace podium::job

PODIUM_RUNTIME_PLUGIN(podium::job::Job, "org.podium.runtime.job", "0.1.0",
                      "Runs a command line a language, each run in a fresh sandbox");
