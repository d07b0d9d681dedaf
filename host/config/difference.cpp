#include "config/difference.hpp"

#include <algorithm>
#include <array>

#include "config/section.hpp"

namespace podium {
namespace {

ConfigChange change_of(std::string key, const Json* from, const Json* to) {
  ConfigChange change;
  // Whether there is a listener for TLS is settled at the start; which certificate it has is not.
  const bool listener = key == "/tls/certificate" && from != nullptr && to != nullptr &&
                        (*from == Json("")) != (*to == Json(""));
  change.needs_restart = listener || needs_restart(key);
  change.key = std::move(key);
  if (from != nullptr) change.from = *from;
  if (to != nullptr) change.to = *to;
  return change;
}

void compare(const Json& from, const Json& to, const std::string& path,
             std::vector<ConfigChange>& out) {
  if (from == to) return;
  if (!from.is_object() || !to.is_object()) {
    out.push_back(change_of(path, &from, &to));
    return;
  }
  for (const auto& [name, value] : from.members()) {
    const Json* other = to.find(name);
    const std::string key = path_of(path, name);
    if (other != nullptr) {
      compare(value, *other, key, out);
    } else {
      out.push_back(change_of(key, &value, nullptr));
    }
  }
  for (const auto& [name, value] : to.members()) {
    if (from.find(name) == nullptr) out.push_back(change_of(path_of(path, name), nullptr, &value));
  }
}

/// `prefix` itself or something in it.
bool lies_at(std::string_view key, std::string_view prefix) {
  return key.starts_with(prefix) && (key.size() == prefix.size() || key[prefix.size()] == '/');
}

}  // namespace

bool needs_restart(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 9> kAtStart{"/listen",
                                                     "/tls/address",
                                                     "/tls/port",
                                                     "/state_dir",
                                                     "/user",
                                                     "/sandbox",
                                                     "/http/io_threads",
                                                     "/http/max_connections",
                                                     "/http/max_connections_per_peer"};
  if (std::any_of(kAtStart.begin(), kAtStart.end(),
                  [&](std::string_view prefix) { return lies_at(key, prefix); })) {
    return true;
  }
  // What the sandbox shows is laid down when its spawner starts.
  return key.starts_with("/languages/") && key.ends_with("/paths");
}

std::vector<ConfigChange> config_changes(const Json& from, const Json& to) {
  std::vector<ConfigChange> out;
  compare(from, to, "", out);
  return out;
}

Json to_json(const ConfigChange& change) {
  Json json = Json::object({{"key", change.key}});
  if (change.from) json.set("from", *change.from);
  if (change.to) json.set("to", *change.to);
  json.set("needs_restart", change.needs_restart);
  return json;
}

}  // namespace podium
