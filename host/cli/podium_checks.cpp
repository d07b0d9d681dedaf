#include <sys/wait.h>

#include "base/failure.hpp"
#include "cli/check.hpp"
#include "cli/members.hpp"
#include "cli/shell.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

Check check_part(const std::string& name, const Json& part) {
  const std::string status = text_member(part, "status");
  const Json* detail = part.find("detail");
  std::string found = status;
  if (const std::string plugin = text_member(part, "plugin"); !plugin.empty())
    found += ", " + plugin;
  if (detail != nullptr) found += ", " + json_dump(*detail);
  if (status == "healthy") return {name, Verdict::kGood, std::move(found), ""};
  return {name, status == "degraded" ? Verdict::kWeak : Verdict::kBad, std::move(found),
          "see the daemon's log, and what is weak or bad above"};
}

/// A list among the daemon's facts about sandboxes, as one text.
std::string facts(const Json& health, const char* member) {
  const Json* sandbox = health.find("sandbox");
  const Json* detail = sandbox != nullptr ? sandbox->find("detail") : nullptr;
  const Json* list = detail != nullptr ? detail->find(member) : nullptr;
  std::string names;
  if (list == nullptr || !list->is_array()) return names;
  for (const Json& name : list->items()) {
    if (name.is_string()) names += (names.empty() ? "" : ", ") + name.string();
  }
  return names;
}

}  // namespace

Check check_plugins(const fs::path& config) {
  const fs::path daemon = fs::read_symlink("/proc/self/exe").parent_path() / "podiumd";
  if (!fs::exists(daemon)) {
    return {"configuration", Verdict::kBad, daemon.string() + " is not there",
            "install podiumd beside podium"};
  }
  std::string command = quoted(daemon.string()) + " --check";
  if (!config.empty()) command += "=" + quoted(fs::absolute(config).string());
  const ShellOutcome outcome = run_shell(command + " 2>&1 </dev/null");
  if (outcome.status == 0) return {"configuration", Verdict::kGood, outcome.output, ""};
  std::string found = outcome.output;
  if (WIFSIGNALED(outcome.status) || found.empty()) {
    found += " (podiumd --check ended with status " + std::to_string(outcome.status) + ")";
  }
  return {"configuration", Verdict::kBad, std::move(found),
          "mend what it names; podiumd --defaults shows every option"};
}

std::vector<Check> check_parts(const Json& health) {
  std::vector<Check> checks;
  for (const char* key : {"database", "sandbox"}) {
    if (const Json* part = health.find(key)) checks.push_back(check_part(key, *part));
  }
  if (const std::string how = facts(health, "weaker"); !how.empty()) {
    checks.push_back({"privilege", Verdict::kWeak, "podiumd was not started as root: " + how,
                      "start it as root; it drops to its own account at once"});
  }
  if (const Json* plugins = health.find("plugins"); plugins != nullptr && plugins->is_object()) {
    for (const auto& [name, part] : plugins->members()) {
      checks.push_back(check_part("plugin " + name, part));
    }
  }
  if (const std::string names = facts(health, "unenforced"); !names.empty()) {
    checks.push_back({"limits", Verdict::kWeak, "not enforced here: " + names,
                      "see cgroups above; \"sandbox\": {\"strict\": true} refuses to start so"});
  } else {
    checks.push_back({"limits", Verdict::kGood, "all of them are enforced", ""});
  }
  return checks;
}

std::vector<Check> check_daemon(const Client& client) {
  std::vector<Check> checks;
  try {
    const Reply health = client.get("/health");
    if (health.status != 200) throw client.refusal(health);
    const Reply ready = client.get("/ready");
    if (ready.status == 200) {
      checks.push_back({"daemon", Verdict::kGood, "answers at " + client.server().url, ""});
    } else {
      checks.push_back({"daemon", Verdict::kBad, client.refusal(ready).what(),
                        "wait, or see what is bad below"});
    }
    const Reply detailed = client.get("/health/detailed");
    if (detailed.status != 200 && detailed.status != 503) throw client.refusal(detailed);
    for (Check& check : check_parts(json_parse(detailed.body))) checks.push_back(std::move(check));
  } catch (const Failure& failure) {
    const bool no_key = failure.code() == Code::kUnauthenticated;
    checks.push_back(
        {no_key ? "key" : "daemon", no_key ? Verdict::kWeak : Verdict::kBad, failure.what(),
         no_key
             ? "podium doctor --key-file FILE, or PODIUM_KEY: only then it tells how its parts are"
             : "start podiumd; README.md says how"});
  }
  return checks;
}

}  // namespace podium::cli
