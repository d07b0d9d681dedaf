// Runtime "node-pod": gives JavaScript programs to node processes that were started ahead, each
// inside its own sandbox; each is used once. See docs/pod-protocol.md.

#include <podium/plugin.hpp>

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "node_ahead.hpp"
#include "pool_metrics.hpp"
#include "sandboxes.hpp"
#include "suits.hpp"

namespace podium::node_pod {
namespace {

using sandbox::PoolOptions;
using sandbox::PoolState;
using sandbox::Sandboxes;

class NodePod final : public sdk::Runtime,
                      public sdk::Health,
                      public sdk::Metrics,
                      public sdk::RunInput,
                      public sdk::OutputFlow {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_integer("min", "2", "Pods that wait when there is no demand", "0", "256"),
      sdk::option_integer("max", "8", "Pods that wait at most", "1", "256"),
      sdk::option_integer("starting", "2", "Pods made at a time", "1", "64"),
      sdk::option_duration("acquire_timeout", "2s",
                           "How long a run waits for a pod before it is left to the next runtime",
                           "0s", "60s"),
      sdk::option_string("interpreter", "/usr/bin/node",
                         "The node of the pods; a language's command must begin with it"),
      sdk::option_string("files", "", "Folder of start.cjs; empty: beside the plugins"),
  };

  NodePod(sdk::Host host, const sdk::Options& options)
      : interpreter_(options.string("interpreter")), sandboxes_(host, {pool(options)}) {}

  static void check(const sdk::Options& options) {
    if (options.integer("min") > options.integer("max")) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'min' is " + std::to_string(options.integer("min")) +
                           ", expected at most 'max', " + std::to_string(options.integer("max")));
    }
    const std::string interpreter = options.string("interpreter");
    if (!interpreter.starts_with('/')) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT, "option 'interpreter' is '" + interpreter +
                                                    "', expected an absolute path");
    }
    read_script(options);
  }

  bool own_workspace() const noexcept override { return true; }

  void start(const sdk::RunView& run, const sdk::Callbacks& callbacks,
             podium_lease*& lease) override {
    if (const auto why = why_unsuited(run, interpreter_)) {
      throw sdk::Error(PODIUM_UNAVAILABLE, "no warm pod for this run: " + *why);
    }
    if (!sandboxes_.usable(0)) {
      throw sdk::Error(PODIUM_UNAVAILABLE, interpreter_ + " is not installed");
    }
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

  /// A host without node is not ill: the programs that need it are told so.
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
  /// <lib>/podium/plugins/runtime/node-pod.so → <lib>/podium/node-pod
  static std::filesystem::path default_folder() {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(&kScript), &info) == 0) {
      throw sdk::Error(PODIUM_INTERNAL, "cannot tell where this plugin was loaded from");
    }
    const std::filesystem::path plugin(info.dli_fname);
    return plugin.parent_path().parent_path().parent_path() / "node-pod";
  }

  static std::string read_script(const sdk::Options& options) {
    const std::string configured = options.string("files");
    const auto path =
        (configured.empty() ? default_folder() : std::filesystem::path(configured)) / kScript;
    std::ifstream in(path, std::ios::binary);
    std::string script(std::istreambuf_iterator<char>(in), {});
    if (!in || script.empty()) {
      throw sdk::Error(PODIUM_UNAVAILABLE, "cannot read " + path.string() +
                                               "; it belongs to this plugin, install it again");
    }
    return script;
  }

  static PoolOptions pool(const sdk::Options& options) {
    check(options);
    PoolOptions pool;
    pool.tier = "node";
    pool.min = static_cast<unsigned>(options.integer("min"));
    pool.max = static_cast<unsigned>(options.integer("max"));
    pool.starting = static_cast<unsigned>(options.integer("starting"));
    pool.acquire_timeout = options.duration("acquire_timeout");
    pool.limits = sandbox::kFirstLimits;
    pool.ahead = node_ahead(options.string("interpreter"), read_script(options));
    return pool;
  }

  std::string interpreter_;
  Sandboxes sandboxes_;
};

}  // namespace
}  // namespace podium::node_pod

PODIUM_RUNTIME_PLUGIN(podium::node_pod::NodePod, "org.podium.runtime.node-pod", "0.1.0",
                      "Runs JavaScript programs in nodes that wait for them, each used once");
