#include "runner.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "plugin.hpp"
#include "spawner.hpp"

namespace podium::conform {
namespace {

/// Tells what a plugin is; in a child, because opening a library runs code of it.
void look_at(Context& context) {
  const Library library(context.settings.library);
  const Kind kind = library.kind();
  const podium_plugin& plugin = library.plugin();
  const auto text = [](const char* given) { return given == nullptr ? "?" : given; };
  context.note =
      std::string(1, static_cast<char>(kind)) + text(plugin.id) + " " + text(plugin.version);
}

constexpr Case kProbe{"probe", "", Kind::kAny, false, look_at};

}  // namespace

bool is_selected(const std::string& name, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
                  name.starts_with(pattern.ends_with('/') ? pattern : pattern + "/");
         });
}

std::vector<Result> run_cases(const Settings& settings, const std::vector<std::string>& only) {
  const Verdict probed = run_in_child(kProbe, settings, Kind::kAny, -1);
  Kind kind = Kind::kAny;
  if (probed.state == State::kPassed) kind = static_cast<Kind>(probed.note[0]);
  std::printf("%s: %s %s\n", settings.library.c_str(), to_string(kind),
              kind == Kind::kAny ? "of unknown kind" : probed.note.c_str() + 1);

  std::unique_ptr<Spawner> spawner;
  if (kind == Kind::kRuntime && !settings.spawner.empty()) {
    spawner = std::make_unique<Spawner>(settings.spawner);
  }
  std::vector<Result> results;
  const Case* broken_gate = nullptr;
  for (const Case& one : all_cases()) {
    if (!is_selected(one.name, only)) continue;
    if (one.kind != Kind::kAny && one.kind != kind && kind != Kind::kAny) continue;
    Result result{&one, {}};
    if (broken_gate != nullptr) {
      result.verdict = {State::kSkipped,
                        std::string("means nothing after the failure of ") + broken_gate->name,
                        {},
                        {},
                        0};
    } else if (one.kind != Kind::kAny && kind == Kind::kAny) {
      result.verdict = {
          State::kSkipped, "the plugin's kind is not known: " + probed.what, {}, {}, 0};
    } else {
      result.verdict = run_in_child(one, settings, kind, spawner ? spawner->control() : -1);
    }
    if (result.verdict.state == State::kFailed && one.gate) broken_gate = &one;
    print(result);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace podium::conform
