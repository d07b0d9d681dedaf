#include "cli/keys.hpp"

#include <Poco/URI.h>

#include <iomanip>

#include "base/failure.hpp"
#include "cli/members.hpp"

namespace podium::cli {
namespace {

constexpr const char* kKeys = "/api/v1/admin/keys";

/// "60 a minute, 2 at a time".
std::string limits_text(const Json* limits) {
  if (limits == nullptr || !limits->is_object()) return "default";
  constexpr std::pair<const char*, const char*> kWords[] = {
      {"per_second", " a second"}, {"per_minute", " a minute"}, {"hourly", " an hour"},
      {"daily", " a day"},         {"monthly", " a month"},     {"concurrent", " at a time"}};
  std::string text;
  for (const auto& [name, words] : kWords) {
    const Json* bound = limits->find(name);
    if (bound == nullptr || bound->is_null()) continue;
    text += (text.empty() ? "" : ", ") + json_dump(*bound) + words;
  }
  return text.empty() ? "unlimited" : text;
}

void print_key(std::ostream& out, const Json& key) {
  const Json* enabled = key.find("enabled");
  const bool on = enabled != nullptr && enabled->is_bool() && enabled->boolean();
  out << std::left << std::setw(20) << shown_member(key, "id") << ' ' << std::setw(9)
      << (on ? "enabled" : "disabled") << ' ' << std::setw(9) << shown_member(key, "source") << ' '
      << std::setw(8) << shown_member(key, "usage_count") << ' '
      << limits_text(key.find("rate_limits")) << '\n';
}

void print_action(std::ostream& out, const Json& line) {
  out << shown_member(line, "time") << ' ' << std::left << std::setw(16)
      << shown_member(line, "principal") << ' ' << shown_member(line, "action") << ' '
      << shown_member(line, "target") << ": " << shown_member(line, "status");
  if (line.find("peer") != nullptr) out << ", from " << shown_member(line, "peer");
  if (line.find("error") != nullptr) out << ", " << shown_member(line, "error");
  out << '\n';
}

Json asked(const Client& client, const std::string& method, const std::string& path,
           const Json* body) {
  const Reply reply = client.send(method, path, body);
  if (reply.status != 200) throw client.refusal(reply);
  return json_parse(reply.body);
}

std::string path_of(const std::string& id) {
  std::string encoded;
  Poco::URI::encode(id, "/?#", encoded);
  return std::string(kKeys) + "/" + encoded;
}

/// Does it and returns what the daemon says.
Json carry_out(const KeysOptions& options, const Client& client) {
  const Json changes = key_changes(options);
  switch (options.action) {
    case KeyAction::kList:
      return asked(client, "GET", kKeys, nullptr);
    case KeyAction::kCreate:
      return asked(client, "POST", kKeys, &changes);
    case KeyAction::kDelete:
      return asked(client, "DELETE", path_of(options.id), nullptr);
    case KeyAction::kChange:
    case KeyAction::kEnable:
    case KeyAction::kDisable:
      return asked(client, "PATCH", path_of(options.id), &changes);
  }
  return {};
}

}  // namespace

Json key_changes(const KeysOptions& options) {
  Json body = Json::object();
  if (options.action == KeyAction::kCreate) body.set("id", options.id);
  if (options.action == KeyAction::kEnable) body.set("enabled", true);
  if (options.action == KeyAction::kDisable) body.set("enabled", false);
  if (options.name) body.set("name", *options.name);
  if (options.tenant) body.set("tenant", *options.tenant);
  if (options.default_limits) body.set("rate_limits", nullptr);
  if (options.limits.empty()) return body;
  Json limits = Json::object();
  for (const auto& [name, bound] : options.limits) limits.set(name, bound);
  body.set("rate_limits", std::move(limits));
  return body;
}

int run_keys(const KeysOptions& options, const Client& client, Console& console) {
  const Json answer = carry_out(options, client);
  if (console.json) {
    console.out << json_dump_pretty(answer) << '\n';
  } else if (options.action == KeyAction::kList) {
    console.out << "id                   state     kept in   month    limits\n";
    for (const Json& key : answer.items()) print_key(console.out, key);
  } else if (options.action == KeyAction::kCreate) {
    console.err << "The key, shown this once:\n";
    console.out << shown_member(answer, "api_key") << '\n';
  } else if (options.action == KeyAction::kDelete) {
    console.out << "deleted " << options.id << '\n';
  } else {
    print_key(console.out, answer);
  }
  return 0;
}

int run_audit(const AuditOptions& options, const Client& client, Console& console) {
  std::string path = "/api/v1/admin/audit?limit=" + std::to_string(options.lines);
  if (!options.principal.empty()) {
    std::string encoded;
    Poco::URI::encode(options.principal, "/?#&=+", encoded);
    path += "&principal=" + encoded;
  }
  const Json lines = asked(client, "GET", path, nullptr);
  if (console.json) {
    console.out << json_dump_pretty(lines) << '\n';
    return 0;
  }
  for (const Json& line : lines.items()) {
    if (shown_member(line, "kind") == "admin") {
      print_action(console.out, line);
      continue;
    }
    console.out << shown_member(line, "time") << ' ' << std::left << std::setw(16)
                << shown_member(line, "principal") << ' ' << std::setw(6)
                << shown_member(line, "language") << ' ' << std::setw(14)
                << shown_member(line, "status") << ' ' << std::right << std::setw(7)
                << shown_member(line, "wall_ms") << " ms  "
                << shown_member(line, "code_sha256").substr(0, 12) << '\n';
  }
  return 0;
}

int run_backup(const Client& client, Console& console) {
  const Json made = asked(client, "POST", "/api/v1/admin/backup", nullptr);
  if (console.json) {
    console.out << json_dump_pretty(made) << '\n';
  } else {
    console.out << shown_member(made, "file") << '\n';
    console.err << shown_member(made, "bytes")
                << " bytes of the database; files are copied from the "
                << "storage after it\n";
  }
  return 0;
}

}  // namespace podium::cli
