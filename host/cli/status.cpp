#include "cli/status.hpp"

#include <iomanip>

#include "base/failure.hpp"

namespace podium::cli {
namespace {

/// A value on one line: text bare, all else as JSON.
std::string plain(const Json& value) { return value.is_string() ? value.string() : json_dump(value); }

void print_part(std::ostream& out, const std::string& name, const Json& part) {
  const Json* status = part.find("status");
  out << "  " << std::left << std::setw(12) << name << ' ' << std::setw(10)
      << (status != nullptr ? plain(*status) : "unknown");
  if (const Json* plugin = part.find("plugin")) out << ' ' << plain(*plugin);
  out << '\n';
  const Json* detail = part.find("detail");
  if (detail == nullptr || !detail->is_object()) return;
  for (const auto& [key, value] : detail->members()) {
    out << "    " << std::left << std::setw(20) << key << ' ' << plain(value) << '\n';
  }
}

void print_text(std::ostream& out, const Json& health) {
  for (const char* key : {"status", "version", "generation", "uptime_seconds", "connections"}) {
    if (const Json* value = health.find(key)) {
      out << std::left << std::setw(15) << key << ' ' << plain(*value) << '\n';
    }
  }
  if (const Json* runs = health.find("runs"); runs != nullptr && runs->is_object()) {
    for (const auto& [key, value] : runs->members()) {
      out << std::left << std::setw(15) << key << ' ' << plain(value) << '\n';
    }
  }
  out << "parts\n";
  for (const char* key : {"database", "sandbox"}) {
    if (const Json* part = health.find(key)) print_part(out, key, *part);
  }
  if (const Json* plugins = health.find("plugins"); plugins != nullptr && plugins->is_object()) {
    for (const auto& [name, part] : plugins->members()) print_part(out, name, part);
  }
}

}  // namespace

int run_status(const Client& client, Console& console) {
  const Reply reply = client.get("/health/detailed");
  // 503 with a body of facts is an answer too: a part is unhealthy.
  if (reply.status != 200 && reply.status != 503) throw client.refusal(reply);
  const Json health = json_parse(reply.body);
  const Json* status = health.find("status");
  if (status == nullptr || !status->is_string()) throw client.refusal(reply);
  if (console.json) {
    console.out << json_dump_pretty(health) << '\n';
  } else {
    print_text(console.out, health);
  }
  return reply.status == 200 ? 0 : 1;
}

}  // namespace podium::cli
