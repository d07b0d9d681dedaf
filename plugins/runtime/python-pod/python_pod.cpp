// Runtime "python-pod": gives Python programs to interpreters that wait for them, isolated and with
// the packages imported; each is used once. See docs/pod-protocol.md.

#include <podium/plugin.hpp>

#include <algorithm>

#include "imports.hpp"
#include "pod_files.hpp"
#include "pooled_runtime.hpp"
#include "suits.hpp"
#include "tiers.hpp"

namespace podium::python_pod {
namespace {

using sandbox::PoolOptions;
using sandbox::PoolState;

class PythonPod final : public sandbox::PooledRuntime {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_list("tiers", R"(["", "numpy", "numpy,pandas,matplotlib"])",
                       "Modules that zygotes import ahead, a template interpreter for each entry; "
                       "the imports of a run's code choose its tier"),
      sdk::option_string("tier", "",
                         "Gives every run this entry of 'tiers', \"bare\" is the one without "
                         "modules; empty: by its imports"),
      sdk::option_integer("min", "2", "Pods of a tier that wait when there is no demand", "0",
                          "256"),
      sdk::option_integer("max", "8", "Pods of a tier that wait at most", "1", "256"),
      sdk::option_integer("starting", "2", "Pods of a tier made at a time", "1", "64"),
      sdk::option_duration("acquire_timeout", "2s",
                           "How long a run waits for a pod before it is left to the next runtime",
                           "0s", "60s"),
      sdk::option_integer("recycle_after", "500",
                          "Forks after which a zygote is replaced, less up to a fifth at random",
                          "1", "1000000"),
      sdk::option_duration("recycle_age", "1h", "Age at which a zygote is replaced", "1s", "7d"),
      sdk::option_string("interpreter", "/usr/bin/python3",
                         "The Python of the pods; a language's command must begin with it"),
      sdk::option_list(
          "watched",
          R"(["/usr/lib/python3/dist-packages", "/usr/local/lib/python3.11/dist-packages"])",
          "Folders of packages; a change in one replaces the zygotes"),
      sdk::option_string("files", "", "Folder of zygote.py; empty: beside the plugins"),
  };

  PythonPod(sdk::Host host, const sdk::Options& options)
      : PooledRuntime(host, pools(options)),
        interpreter_(options.string("interpreter")),
        tiers_(read_tiers(options.list("tiers"))),
        pinned_(pinned(options, tiers_)) {}

  static void check(const sdk::Options& options) {
    pinned(options, read_tiers(options.list("tiers")));
    check_sizes(options);
    const std::string interpreter = options.string("interpreter");
    if (!interpreter.starts_with('/') || interpreter.size() > 127) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'interpreter' is '" + interpreter + "', expected an absolute path");
    }
    PodFiles::read(folder(options));
  }

  void start(const sdk::RunView& run, const sdk::Callbacks& callbacks,
             podium_lease*& lease) override {
    if (const auto why = why_unsuited(run, interpreter_)) {
      throw sdk::Error(PODIUM_UNAVAILABLE, "no warm pod for this run: " + *why);
    }
    sandboxes_.start(tier_for(run.code()), run, callbacks, lease);
  }

  sdk::HealthReport health(std::chrono::milliseconds) override {
    sdk::HealthReport report;
    std::string tiers;
    unsigned usable = 0;
    for (std::size_t i = 0; i < tiers_.size(); ++i) {
      const PoolState state = sandboxes_.state(i);
      if (!state.left_out) ++usable;
      if (!state.left_out && !state.zygote_ready) report.state = PODIUM_DEGRADED;
      tiers += (i == 0 ? "" : ",") + ("\"" + tiers_[i].name + "\":") + sandbox::state_json(state);
    }
    if (usable == 0 || !sandboxes_.unenforced().empty()) report.state = PODIUM_DEGRADED;
    report.detail = "{\"tiers\":{" + tiers + "},\"sandbox\":" + sandboxes_.facts() + "}";
    return report;
  }

 private:
  /// Index of the tier that every run gets; -1: the code decides.
  static int pinned(const sdk::Options& options, const std::vector<Tier>& tiers) {
    const std::string name = options.string("tier");
    if (name.empty()) return -1;
    const auto at = std::ranges::find(tiers, name, &Tier::name);
    if (at == tiers.end()) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'tier' is '" + name + "', expected one of 'tiers'");
    }
    return static_cast<int>(at - tiers.begin());
  }

  static std::string folder(const sdk::Options& options) {
    const std::string configured = options.string("files");
    return configured.empty() ? PodFiles::default_folder() : configured;
  }

  static std::vector<PoolOptions> pools(const sdk::Options& options) {
    check(options);
    const PodFiles files = PodFiles::read(folder(options));
    std::vector<PoolOptions> all;
    for (const auto& tier : read_tiers(options.list("tiers"))) {
      PoolOptions pool = sized_pool(options);
      pool.tier = tier.name;
      pool.acquire_timeout = options.duration("acquire_timeout");
      pool.zygote.interpreter = options.string("interpreter");
      pool.zygote.argument = tier.argument();
      pool.zygote.script = files.script;
      pool.zygote.module = files.module;
      pool.zygote.recycle_after = static_cast<unsigned>(options.integer("recycle_after"));
      pool.zygote.recycle_age =
          std::chrono::duration_cast<std::chrono::seconds>(options.duration("recycle_age"));
      pool.zygote.watched = options.list("watched");
      // A package's own files change below its folder; the package system's record tells.
      pool.zygote.watched.push_back("/var/lib/dpkg/status");
      pool.zygote.watched.push_back(options.string("interpreter"));
      all.push_back(std::move(pool));
    }
    return all;
  }

  std::size_t tier_for(std::string_view code) const {
    const auto usable = [&](std::size_t i) { return sandboxes_.usable(i); };
    int tier = pinned_;
    if (tier < 0 || !usable(static_cast<std::size_t>(tier))) {
      tier = choose_tier(tiers_, imported_modules(code), usable);
    }
    if (tier < 0) {
      throw sdk::Error(PODIUM_UNAVAILABLE, "every tier of pods is left out on this host");
    }
    return static_cast<std::size_t>(tier);
  }

  std::string interpreter_;
  std::vector<Tier> tiers_;
  int pinned_;
};

}  // namespace
}  // namespace podium::python_pod

PODIUM_RUNTIME_PLUGIN(podium::python_pod::PythonPod, "org.podium.runtime.python-pod", "0.1.0",
                      "Runs Python programs in interpreters that wait for them, each used once");
