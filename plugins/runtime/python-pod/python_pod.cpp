// Runtime "python-pod": gives each run a Python that waits with its imports done, isolated, warmed
// up, and used once. See docs/pod-protocol.md for what travels, sandbox/ for everything that is not
// Python.

#include <podium/plugin.hpp>

#include <dlfcn.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sstream>

#include "imports.hpp"
#include "pool_metrics.hpp"
#include "sandboxes.hpp"

namespace podium::python_pod {
namespace {

namespace fs = std::filesystem;
using sandbox::PoolOptions;
using sandbox::PoolState;
using sandbox::Sandboxes;

/// "numpy,pandas" → its modules; "" is the bare tier.
Tier split(const std::string& text) {
  Tier tier;
  std::istringstream in(text);
  for (std::string name; std::getline(in, name, ',');) {
    const auto legal = [](char c) { return (c | 0x20) >= 'a' || c == '_' || (c >= '0' && c <= '9') || c == '.'; };
    if (name.empty() || !std::ranges::all_of(name, legal)) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT, "option 'tiers': '" + text +
                                                    "' is no list of module names with commas "
                                                    "between them, such as \"numpy,pandas\"");
    }
    tier.push_back(std::move(name));
  }
  return tier;
}

std::vector<Tier> read_tiers(const sdk::Options& options) {
  std::vector<Tier> tiers;
  for (const auto& text : options.list("tiers")) tiers.push_back(split(text));
  if (tiers.empty()) {
    throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                     "option 'tiers' is empty; expected at least one, \"\" is the bare one");
  }
  std::ranges::stable_sort(tiers, {}, &Tier::size);
  return tiers;
}

std::string joined(const Tier& tier) {
  std::string text;
  for (const auto& name : tier) text += (text.empty() ? "" : ",") + name;
  return text;
}

/// The folder of zygote.py and its extension module: lib/podium/python-pod, beside the plugins.
fs::path files_folder(const sdk::Options& options) {
  if (const auto given = options.string("files"); !given.empty()) return given;
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&split), &here) == 0 || here.dli_fname == nullptr) {
    throw sdk::Error(PODIUM_INTERNAL, "cannot tell where this plugin lies; set its option 'files'");
  }
  return fs::path(here.dli_fname).parent_path().parent_path().parent_path() / "python-pod";
}

std::shared_ptr<const sdk::Descriptor> open_file(const fs::path& path) {
  auto fd = std::make_shared<const sdk::Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd->get() < 0) {
    throw sdk::Error(PODIUM_UNAVAILABLE, path.string() + ": " + std::generic_category().message(errno) +
                                             "; it is installed with this plugin, install it again");
  }
  return fd;
}

class PythonPod final : public sdk::Runtime, public sdk::Health, public sdk::Metrics {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_list("tiers", "[\"\", \"numpy\", \"numpy,pandas,matplotlib\"]",
                       "Modules that zygotes import ahead, a template interpreter for each entry; "
                       "the tier of a run is chosen by the imports of its code"),
      sdk::option_string("tier", "", "Gives every run this entry of 'tiers'; empty: by its imports"),
      sdk::option_integer("min", "2", "Pods of a tier that wait when there is no demand", "0", "256"),
      sdk::option_integer("max", "8", "Pods of a tier that wait at most", "1", "256"),
      sdk::option_integer("starting", "2", "Pods of a tier made at a time", "1", "64"),
      sdk::option_duration("acquire_timeout", "2s",
                           "How long a run waits for a pod before it gets a cold start", "0",
                           "60s"),
      sdk::option_integer("recycle_after", "500", "Forks after which a zygote is replaced", "1",
                          "1000000"),
      sdk::option_duration("recycle_age", "1h", "Age at which a zygote is replaced", "1s", "7d"),
      sdk::option_string("interpreter", "/usr/bin/python3", "The Python of the pods"),
      sdk::option_list("watched", "[\"/usr/lib/python3/dist-packages\", \"/usr/local/lib/python3.11/dist-packages\"]",
                       "Folders of packages; a change in one replaces the zygotes"),
      sdk::option_string("files", "", "Folder of zygote.py; empty: beside the plugins"),
  };

  PythonPod(sdk::Host host, const sdk::Options& options)
      : tiers_(read_tiers(options)), pinned_(pin(options)), sandboxes_(host, pools(options)) {}

  static void check(const sdk::Options& options) {
    if (options.integer("min") > options.integer("max")) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'min' is " + std::to_string(options.integer("min")) +
                           ", expected at most 'max', " + std::to_string(options.integer("max")));
    }
    pools(options);
    const auto tiers = read_tiers(options);
    if (const auto tier = options.string("tier");
        !tier.empty() && std::ranges::find(tiers, split(tier)) == tiers.end()) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                       "option 'tier' is '" + tier + "', which is no entry of 'tiers'");
    }
  }

  bool own_workspace() const noexcept override { return true; }

  void start(const sdk::RunView& run, const sdk::Callbacks& callbacks,
             podium_lease*& lease) override {
    const auto usable = [this](std::size_t i) { return sandboxes_.usable(i); };
    const std::size_t tier =
        pinned_ < tiers_.size() ? pinned_ : choose_tier(tiers_, run.code(), usable);
    if (tier >= tiers_.size() || !usable(tier)) {
      throw sdk::Error(PODIUM_UNAVAILABLE, "no tier of pods can be made on this host");
    }
    sandboxes_.start(tier, run, callbacks, lease);
  }
  void cancel(podium_lease* lease) noexcept override { sandboxes_.cancel(lease); }
  void release(podium_lease* lease) noexcept override { sandboxes_.release(lease); }

  sdk::HealthReport health(std::chrono::milliseconds) override {
    sdk::HealthReport report;
    bool any = false;
    for (std::size_t i = 0; i < tiers_.size(); ++i) {
      const PoolState state = sandboxes_.state(i);
      report.detail += (i == 0 ? "{\"tiers\":{" : ",") +
                       ("\"" + sandboxes_.options()[i].tier + "\":") + sandbox::state_json(state);
      any = any || (!state.left_out && state.zygote_ready);
      if (!state.left_out && !state.zygote_ready) report.state = PODIUM_DEGRADED;
    }
    report.detail += "}}";
    if (!any || !sandboxes_.unenforced().empty()) report.state = PODIUM_DEGRADED;
    return report;
  }

  void collect(const sdk::MetricSink& metrics) override {
    sandbox::collect_metrics(sandboxes_, metrics);
  }

 private:
  std::size_t pin(const sdk::Options& options) const {
    const auto tier = options.string("tier");
    if (tier.empty()) return tiers_.size();
    return static_cast<std::size_t>(std::ranges::find(tiers_, split(tier)) - tiers_.begin());
  }

  static std::vector<PoolOptions> pools(const sdk::Options& options) {
    const fs::path folder = files_folder(options);
    const auto script = open_file(folder / "zygote.py"), module = open_file(folder / "podium_pod.so");
    std::vector<PoolOptions> pools;
    for (const Tier& tier : read_tiers(options)) {
      PoolOptions pool;
      pool.tier = tier.empty() ? "bare" : joined(tier);
      pool.min = static_cast<unsigned>(options.integer("min"));
      pool.max = static_cast<unsigned>(options.integer("max"));
      pool.starting = static_cast<unsigned>(options.integer("starting"));
      pool.acquire_timeout = options.duration("acquire_timeout");
      pool.limits = sandbox::kFirstLimits;
      pool.zygote.interpreter = options.string("interpreter");
      pool.zygote.script = script;
      pool.zygote.module = module;
      pool.zygote.argument = joined(tier);
      pool.zygote.recycle_after = static_cast<unsigned>(options.integer("recycle_after"));
      pool.zygote.recycle_age =
          std::chrono::duration_cast<std::chrono::seconds>(options.duration("recycle_age"));
      pool.zygote.watched = options.list("watched");
      pools.push_back(std::move(pool));
    }
    return pools;
  }

  const std::vector<Tier> tiers_;
  const std::size_t pinned_;  ///< tiers_.size(): none
  Sandboxes sandboxes_;
};

}  // namespace
}  // namespace podium::python_pod

PODIUM_RUNTIME_PLUGIN(podium::python_pod::PythonPod, "org.podium.runtime.python-pod", "0.1.0",
                      "Runs Python in pods that wait with their imports done");
