#pragma once
#include <future>
#include <string>

#include "daemon/reload.hpp"
#include "plugins/workshop.hpp"

namespace podium::test {

/// The plugins of tests/plugins, by these names.
inline void add_test_plugins(Workshop& workshop) {
  for (const char* name : {"echo", "memory", "upper"}) {
    workshop.add("tests/plugins/" + std::string(name) + ".so", name);
  }
}

/// The table "plugins" of a configuration with nothing but those; the runtime has that tag.
inline Json test_plugins(const std::string& tag) {
  const Json defaults = *parse_config(default_config_text(), "").document;
  Json made = Json::object();
  for (const auto& [name, value] : defaults.find("plugins")->members()) made.set(name, nullptr);
  made.set("files", Json::object({{"library", "memory"}}));
  made.set("first", Json::object({{"library", "echo"}, {"options", Json::object({{"tag", tag}})}}));
  made.set("loud", Json::object({{"library", "upper"}}));
  return made;
}

/// A configuration, in the workshop's folder, that works by such plugins.
inline Json test_config(const Workshop& workshop, Json plugins) {
  const Json defaults = *parse_config(default_config_text(), "").document;
  Json languages = Json::object();
  for (const auto& [name, value] : defaults.find("languages")->members()) {
    languages.set(name, nullptr);
  }
  languages.set("py", Json::object({{"runtimes", Json(Json::Array{"first"})},
                                    {"source", "main.py"},
                                    {"command", Json(Json::Array{"/bin/true"})}}));
  Json routes = Json::object();
  for (const auto& [path, value] : defaults.find("routes")->members()) {
    routes.set(path, Json::object({{"response", "loud"}}));
  }
  return Json::object({{"plugin_dir", workshop.dir.path().string()},
                       {"state_dir", (workshop.dir.path() / "state").string()},
                       {"auth", Json::object({{"mode", "none"}, {"admin_key", nullptr}})},
                       {"plugins", std::move(plugins)},
                       {"languages", std::move(languages)},
                       {"routes", std::move(routes)}});
}

/// Asks for a reload and waits for its report.
inline ReloadReport reload_by(Reloader& reloader) {
  std::promise<ReloadReport> report;
  reloader.request([&](const ReloadReport& made) { report.set_value(made); });
  return report.get_future().get();
}

}  // namespace podium::test
