#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/sha256.hpp"
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

/// Tells two instances of one plugin apart when only a secret differs: the canonical options leave
/// secrets out.
std::string made_of(const PluginLibrary& library, const OptionValues& options) {
  std::string text = library.path().string() + "\n" + options.canonical();
  const podium_config config = options.config();
  for (std::uint32_t i = 0; i < config.count; ++i) {
    if (config.values[i].type != PODIUM_SECRET) continue;
    text += "\n" + sha256_hex(to_view(config.values[i].text));
  }
  return text;
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
                                       where + "/options");
  } catch (const Failure& f) {
    if (std::string_view(f.what()).starts_with(where)) throw;
    throw f.within(where + " (" + path.string() + ")");  // the table's fault, not the config's
  }
  planned.made_of = made_of(*planned.library, planned.options);
  return planned;
}

/// That `where` names a plan of the kind it needs, told before anything is created.
void check_role(const std::vector<Planned>& plans, const std::string& where,
                const std::string& name, PluginKind expected) {
  for (const Planned& planned : plans) {
    if (planned.name != name) continue;
    if (planned.library->kind() == expected) return;
    throw Failure(Code::kInvalidArgument, where + ": \"" + name + "\" is a " +
                                              to_string(planned.library->kind()) + " (" +
                                              planned.library->id() + "), expected a " +
                                              to_string(expected));
  }
  throw Failure(Code::kInvalidArgument, where + ": \"" + name +
                                            "\" is not the name of a plugin, expected a " +
                                            to_string(expected));
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

  const HostServices services;
  LibraryRegistry libraries;
  std::mutex building;
  std::shared_ptr<std::mutex> init = std::make_shared<std::mutex>();
};

GenerationBuilder::GenerationBuilder(HostServices services)
    : state_(std::make_unique<State>(std::move(services))) {}

GenerationBuilder::~GenerationBuilder() = default;

std::shared_ptr<const Generation> GenerationBuilder::build(Config config,
                                                           const Generation* previous) {
  std::lock_guard lock(state_->building);
  std::vector<Planned> plans = plan(state_->libraries, config);
  Instances instances;
  std::map<std::string, std::string> made_of;
  for (Planned& planned : plans) {
    made_of[planned.name] = planned.made_of;
    if (previous != nullptr) {
      auto old = previous->made_of_.find(planned.name);
      if (old != previous->made_of_.end() && old->second == planned.made_of) {
        instances.list.push_back(previous->by_name_.at(planned.name));
        continue;
      }
    }
    try {
      instances.list.push_back(make_instance(state_->parts(planned)));
    } catch (const Failure& f) {
      throw cannot_create(planned, f);
    }
    state_->services.log.info("plugin is up", {{"plugin", planned.name},
                                               {"id", planned.library->id()},
                                               {"library", planned.library->path().string()}});
  }
  std::uint64_t number = previous == nullptr ? 1 : previous->number() + 1;
  std::shared_ptr<Generation> made =
      Generation::wire(std::move(config), std::move(instances.list), number);
  made->made_of_ = std::move(made_of);
  return made;
}

void GenerationBuilder::check(const Config& config) {
  std::lock_guard lock(state_->building);
  for (Planned& planned : plan(state_->libraries, config)) {
    try {
      check_instance(state_->parts(planned));
    } catch (const Failure& f) {
      throw cannot_create(planned, f);
    }
  }
}

}  // namespace podium
