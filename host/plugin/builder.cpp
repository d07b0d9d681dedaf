#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "config/options.hpp"
#include "plugin/generation.hpp"
#include "plugin/plugin_instance.hpp"

namespace podium {
namespace {

/// One instance before it is made.
struct Planned {
  std::string name;
  std::shared_ptr<const PluginLibrary> library;
  OptionValues options;
  std::string made_of;
};

std::filesystem::path library_path(const Config& config, const std::string& library) {
  std::filesystem::path path(library);
  if (path.is_absolute()) return path;
  return config.plugin_dir / (library + ".so");
}

Planned plan_one(LibraryRegistry& libraries, const Config& config, const PluginConfig& plugin) {
  const std::string where = "/plugins/" + plugin.name;
  const std::filesystem::path path = library_path(config, plugin.library);
  Planned planned;
  planned.name = plugin.name;
  try {
    planned.library = libraries.get(path);
  } catch (const Failure& f) {
    throw f.within(where + ": cannot load " + path.string());
  }
  try {
    planned.options = validate_options(plugin.name, planned.library->options(), plugin.options,
                                       where + "/options", config.state_dir);
  } catch (const Failure& f) {
    if (std::string_view(f.what()).starts_with(where)) throw;
    throw f.within(where + " (" + path.string() + ")");  // the table's fault, not the config's
  }
  planned.made_of = planned.library->path().string() + "\n" + planned.options.fingerprint();
  return planned;
}

/// That `where` names a plan of the kind it needs, told before anything is created.
void check_role(const std::vector<Planned>& plans, const std::string& where,
                const std::string& name, PluginKind expected) {
  for (const Planned& planned : plans) {
    if (planned.name != name) continue;
    if (planned.library->kind() == expected) return;
    throw Failure(Code::kInvalidArgument,
                  where + ": \"" + name + "\" is a " + to_string(planned.library->kind()) + " (" +
                      planned.library->id() + "), expected a " + to_string(expected));
  }
  throw Failure(
      Code::kInvalidArgument,
      where + ": \"" + name + "\" is not the name of a plugin, expected a " + to_string(expected));
}

std::vector<Planned> plan(LibraryRegistry& libraries, const Config& config) {
  std::vector<Planned> plans;
  for (const PluginConfig& plugin : config.plugins) {
    plans.push_back(plan_one(libraries, config, plugin));
  }
  for (const LanguageConfig& language : config.languages) {
    for (const std::string& name : language.runtimes) {
      check_role(plans, "/languages/" + language.name + "/runtimes", name, PluginKind::kRuntime);
    }
  }
  for (const auto& [route, settings] : config.routes) {
    if (settings.response.empty()) continue;
    check_role(plans, "/routes/" + route + "/response", settings.response, PluginKind::kResponse);
  }
  check_role(plans, "/storage", config.storage, PluginKind::kStorage);
  return plans;
}

/// Says of a failure in create which instance it was, of which library, and what to do.
Failure cannot_create(const Planned& planned, const Failure& f) {
  std::string where = "/plugins/" + planned.name;
  return {f.code(), where + " (" + planned.library->path().string() + "): " + f.what() +
                        "; correct " + where + "/options or what they name"};
}

/// Instances in the making, ended last to first when the build fails.
struct Instances {
  std::vector<std::shared_ptr<Instance>> list;
  ~Instances() {
    while (!list.empty()) list.pop_back();
  }
};

}  // namespace

struct GenerationBuilder::State {
  explicit State(HostServices lent) : services(std::move(lent)), libraries(services.log) {}

  InstanceParts parts(Planned& planned) const {
    return {planned.name, planned.library, std::move(planned.options), services, init};
  }

  std::vector<Planned> plan(const Config& config) {
    std::lock_guard lock(planning);
    return podium::plan(libraries, config);
  }

  std::shared_ptr<Instance> make(Planned& planned) const {
    std::shared_ptr<Instance> made;
    try {
      made = make_instance(parts(planned));
    } catch (const Failure& f) {
      throw cannot_create(planned, f);
    }
    services.log.info("plugin is up", {{"plugin", planned.name},
                                       {"id", planned.library->id()},
                                       {"library", planned.library->path().string()}});
    return made;
  }

  const HostServices services;
  LibraryRegistry libraries;
  std::mutex planning;
  std::shared_ptr<InitTurn> init = std::make_shared<InitTurn>();
};

GenerationBuilder::GenerationBuilder(HostServices services)
    : state_(std::make_unique<State>(std::move(services))) {}

GenerationBuilder::~GenerationBuilder() = default;

std::shared_ptr<const Generation> GenerationBuilder::build(Config config,
                                                           const Generation* previous,
                                                           std::stop_token stop) {
  std::vector<Planned> plans = state_->plan(config);
  Instances instances;
  std::map<std::string, std::string> made_of;
  for (Planned& planned : plans) {
    made_of[planned.name] = planned.made_of;
    if (previous != nullptr && previous->is_made_of(planned.name, planned.made_of)) {
      instances.list.push_back(previous->by_name_.at(planned.name));
      continue;
    }
    instances.list.push_back(state_->make(planned));
    if (stop.stop_requested()) throw Failure(Code::kCancelled, "the build was given up");
  }
  std::uint64_t number = previous == nullptr ? 1 : previous->number() + 1;
  std::shared_ptr<Generation> made =
      Generation::wire(std::move(config), std::move(instances.list), number);
  made->made_of_ = std::move(made_of);
  return made;
}

bool GenerationBuilder::shares_all(const Config& config, const Generation& previous) {
  const Config& old = previous.config();
  if (config.plugin_dir != old.plugin_dir) return false;
  for (const PluginConfig& plugin : config.plugins) {
    const PluginConfig* known = old.plugin(plugin.name);
    if (known == nullptr || known->library != plugin.library) return false;
  }
  // Every library is loaded already, so that reading its options here opens nothing.
  const std::vector<Planned> plans = state_->plan(config);
  return std::all_of(plans.begin(), plans.end(), [&](const Planned& planned) {
    return previous.is_made_of(planned.name, planned.made_of);
  });
}

std::string GenerationBuilder::give_up_call() noexcept { return state_->init->give_up(); }

void GenerationBuilder::check(const Config& config) {
  for (Planned& planned : state_->plan(config)) {
    try {
      check_instance(state_->parts(planned));
    } catch (const Failure& f) {
      throw cannot_create(planned, f);
    }
  }
}

}  // namespace podium
