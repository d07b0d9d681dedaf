#include "cli/status.hpp"

#include <algorithm>
#include <array>
#include <iomanip>

#include "base/failure.hpp"

namespace podium::cli {
namespace {

/// A value on one line: text bare, all else as JSON.
std::string plain(const Json& value) {
  return value.is_string() ? value.string() : json_dump(value);
}

/// What a pool of sandboxes tells of itself, in the order of the table's columns.
constexpr std::array kPoolColumns{"available", "busy",   "target",   "waiting",  "hits",
                                  "misses",    "deaths", "recycles", "refill_ms"};

bool is_pool(const Json& value) {
  return value.find("available") != nullptr && value.find("target") != nullptr;
}

bool are_pools(const Json& value) {
  return value.is_object() && !value.members().empty() &&
         std::ranges::all_of(value.members(),
                             [](const auto& pool) { return is_pool(pool.second); });
}

void print_pool_row(std::ostream& out, const std::string& name, const Json& pool) {
  out << "    " << std::left << std::setw(24) << name << std::right;
  for (const char* column : kPoolColumns) {
    const Json* value = pool.find(column);
    out << std::setw(11) << (value != nullptr ? plain(*value) : "-");
  }
  const auto says = [&](const char* key, bool what) {
    const Json* value = pool.find(key);
    return value != nullptr && value->is_bool() && value->boolean() == what;
  };
  if (says("left_out", true)) {
    out << "  left out";
  } else if (says("zygote_ready", false)) {
    out << "  starting";
  }
  out << '\n';
}

void print_pools(std::ostream& out, const Json::Object& pools) {
  out << "    " << std::left << std::setw(24) << "pool" << std::right;
  for (const char* column : kPoolColumns) out << std::setw(11) << column;
  out << '\n';
  for (const auto& [name, pool] : pools) print_pool_row(out, name, pool);
}

void print_part(std::ostream& out, const std::string& name, const Json& part) {
  const Json* status = part.find("status");
  out << "  " << std::left << std::setw(12) << name << ' ' << std::setw(10)
      << (status != nullptr ? plain(*status) : "unknown");
  if (const Json* plugin = part.find("plugin")) out << ' ' << plain(*plugin);
  out << '\n';
  const Json* detail = part.find("detail");
  if (detail == nullptr || !detail->is_object()) return;
  for (const auto& [key, value] : detail->members()) {
    if (is_pool(value)) {
      print_pools(out, {{key, value}});
    } else if (are_pools(value)) {
      print_pools(out, value.members());
    } else {
      out << "    " << std::left << std::setw(20) << key << ' ' << plain(value) << '\n';
    }
  }
}

}  // namespace

void print_status(std::ostream& out, const Json& health) {
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
    print_status(console.out, health);
  }
  return reply.status == 200 ? 0 : 1;
}

}  // namespace podium::cli
