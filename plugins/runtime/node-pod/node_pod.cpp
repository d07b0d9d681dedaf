// Runtime "node-pod": gives JavaScript programs to node processes that were started ahead, each
// inside its own sandbox; each is used once. See docs/pod-protocol.md.

#include <podium/plugin.hpp>

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "node_ahead.hpp"
#include "pooled_runtime.hpp"
#include "suits.hpp"

namespace podium::node_pod {
namespace {

using sandbox::PoolOptions;

class NodePod final : public sandbox::PooledRuntime {
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
      : PooledRuntime(host, {pool(options)}), interpreter_(options.string("interpreter")) {}

  static void check(const sdk::Options& options) {
    check_sizes(options);
    const std::string interpreter = options.string("interpreter");
    if (!interpreter.starts_with('/')) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'interpreter' is '" + interpreter + "', expected an absolute path");
    }
    read_script(options);
  }

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

  /// A host without node is not ill: the programs that need it are told so.
  sdk::HealthReport health(std::chrono::milliseconds) override { return health_of_only_pool(); }

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
      throw sdk::Error(PODIUM_UNAVAILABLE, "files: cannot read " + path.string() +
                                               "; it belongs to this plugin: install it "
                                               "again, or name its folder by this option");
    }
    return script;
  }

  static PoolOptions pool(const sdk::Options& options) {
    check(options);
    PoolOptions pool = sized_pool(options);
    pool.tier = "node";
    pool.acquire_timeout = options.duration("acquire_timeout");
    pool.ahead = node_ahead(options.string("interpreter"), read_script(options));
    return pool;
  }

  std::string interpreter_;
};

}  // namespace
}  // namespace podium::node_pod

PODIUM_RUNTIME_PLUGIN(podium::node_pod::NodePod, "org.podium.runtime.node-pod", "0.1.0",
                      "Runs JavaScript programs in nodes that wait for them, each used once");
