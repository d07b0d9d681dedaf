// Runtime "job": runs a language's command line once, in a sandbox that was made ahead of need.

#include <podium/plugin.hpp>

#include "pooled_runtime.hpp"

namespace podium::job {
namespace {

class Job final : public sandbox::PooledRuntime {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_integer("min", "2", "Sandboxes that wait for a run when there is no demand", "0",
                          "256"),
      sdk::option_integer("max", "8", "Sandboxes that wait at most, when there is demand", "1",
                          "256"),
      sdk::option_integer("starting", "4", "Sandboxes made at a time", "1", "64"),
  };

  Job(sdk::Host host, const sdk::Options& options) : PooledRuntime(host, {pool(options)}) {}

  static void check(const sdk::Options& options) { check_sizes(options); }

  void start(const sdk::RunView& run, const sdk::Callbacks& callbacks,
             podium_lease*& lease) override {
    sandboxes_.start(0, run, callbacks, lease);
  }

  sdk::HealthReport health(std::chrono::milliseconds) override { return health_of_only_pool(); }

 private:
  static sandbox::PoolOptions pool(const sdk::Options& options) {
    check(options);
    return sized_pool(options);
  }
};

}  // namespace
}  // namespace podium::job

PODIUM_RUNTIME_PLUGIN(podium::job::Job, "org.podium.runtime.job", "0.1.0",
                      "Runs a command line a language, each run in a fresh sandbox");
