#include "config/read_sections.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "config/options.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;
constexpr Bytes kKiB = 1u << 10, kMiB = 1u << 20, kGiB = 1u << 30, kTiB = Bytes{1} << 40;
constexpr milliseconds kDay = 24h;

bool is_ip_address(const std::string& text) {
  in6_addr any;
  return ::inet_pton(AF_INET, text.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

}  // namespace

void read_shown_paths(Section& section, std::string_view key, std::vector<std::string>& out) {
  section.texts(key, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::filesystem::path path = out[i];
    if (path.is_absolute() && path == path.lexically_normal() && path.has_filename()) continue;
    throw config_failure(path_of(section.path_of(key), std::to_string(i)),
                         "found " + json_quote(path.native()) +
                             ", expected an absolute path without . and .., not ending in /");
  }
}

void read_listen(Section section, HttpConfig& out) {
  section.text("address", out.address);
  if (!is_ip_address(out.address)) {
    throw config_failure(section.path_of("address"),
                         "found " + json_quote(out.address) +
                             ", expected an IP address like \"127.0.0.1\" or \"::1\"");
  }
  section.count<std::uint16_t>("port", out.port, {0, 65'535});
  section.finish();
}

void read_tls(Section section, TlsConfig& out) {
  section.text("address", out.address);
  if (!out.address.empty() && !is_ip_address(out.address)) {
    throw config_failure(section.path_of("address"),
                         "found " + json_quote(out.address) +
                             ", expected an IP address, or \"\" for that of /listen");
  }
  section.count<std::uint16_t>("port", out.port, {0, 65'535});
  std::string certificate, key;
  section.text("certificate", certificate);
  section.text("key", key);
  if (certificate.empty() != key.empty()) {
    throw config_failure(section.path_of(key.empty() ? "key" : "certificate"),
                         "is empty, expected a file of PEM: certificate and key belong together");
  }
  out.certificate = certificate;
  out.key = key;
  section.duration("hsts", out.hsts, {0ms, 3650 * kDay});
  section.finish();
}

void read_http(Section section, HttpConfig& out) {
  section.count<std::uint32_t>("io_threads", out.io_threads, {1, 64});
  section.count<std::uint32_t>("max_connections", out.max_connections, {1, 1'000'000});
  section.count<std::uint32_t>("max_connections_per_peer", out.max_connections_per_peer,
                               {1, 1'000'000});
  section.duration("head_timeout", out.head_timeout, {100ms, 5min});
  // Clients keep idle connections for up to a minute; who closes first loses their next request.
  section.duration("idle_timeout", out.idle_timeout, {65s, kDay});
  section.duration("write_timeout", out.write_timeout, {100ms, 1h});
  section.size("body_rate", out.body_rate, {1, kGiB});
  section.flag("keep_alive_exec", out.keep_alive_exec);
  section.flag("page", out.page);
  section.size("max_request", out.max_request, {kKiB, kGiB});
  // At least one body that such a sender may have.
  section.size("unknown_bodies", out.unknown_bodies, {4 * kMiB, kTiB});
  section.size("transfers", out.transfers, {0, kTiB});
  section.size("max_upload", out.max_upload, {1, kTiB});
  section.count<std::uint32_t>("max_upload_files", out.max_upload_files, {1, 100'000});
  section.finish();
}

void read_admission(Section section, AdmissionConfig& out) {
  section.count<std::uint32_t>("runs", out.runs, {1, 100'000});
  section.count<std::uint32_t>("queue", out.queue, {0, 1'000'000});
  section.size("requests", out.requests, {kKiB, kTiB});
  section.duration("queue_wait", out.queue_wait, {0ms, kDay});
  section.finish();
}

void read_streams(Section section, StreamConfig& out) {
  section.size("waiting", out.waiting, {4 * kKiB, kGiB});
  section.duration("hold", out.hold, {0ms, 1h});
  section.duration("reattach", out.reattach, {0ms, 1h});
  section.size("replay", out.replay, {4 * kKiB, kGiB});
  section.size("kept", out.kept, {0, kTiB});
  section.size("message", out.message, {kKiB, 64 * kMiB});
  section.count<std::uint32_t>("message_rate", out.message_rate, {1, 1'000'000});
  section.duration("ping", out.ping, {100ms, 1h});
  section.finish();
}

void read_sessions(Section section, SessionConfig& out) {
  section.duration("time_to_live", out.time_to_live, {0ms, 3650 * kDay});
  section.duration("sweep_interval", out.sweep_interval, {100ms, kDay});
  section.duration("orphan_age", out.orphan_age, {1s, 365 * kDay});
  section.finish();
}

void read_outputs(Section section, OutputFilesConfig& out) {
  section.count<std::uint32_t>("max_files", out.max_files, {0, 1'000'000});
  section.size("max_total", out.max_total, {0, kTiB});
  section.count<std::uint32_t>("max_depth", out.max_depth, {1, 10});
  section.finish();
}

void read_input_cache(Section section, InputCacheConfig& out) {
  section.size("size", out.size, {0, 1024 * kTiB});
  section.finish();
}

void read_sandbox(Section section, SandboxConfig& out) {
  section.flag("strict", out.strict);
  // Below are the accounts of the machine; above, 2^32 - 1 means "no user".
  section.count<std::uint32_t>("uid_base", out.uid_base, {100'000, 4'294'000'000});
  read_shown_paths(section, "read_only_paths", out.read_only_paths);
  section.text("network", out.network);
  if (out.network != "none") {
    throw config_failure(section.path_of("network"),
                         "found " + json_quote(out.network) +
                             ", expected \"none\": programs have no network, and this version "
                             "can enforce no other policy");
  }
  section.finish();
}

void read_log(Section section, LogConfig& out) {
  section.choice("level", out.level, {"debug", "info", "warning", "error"});
  section.choice("format", out.format, {"text", "json"});
  section.finish();
}

void read_limits(Section section, Limits& out) {
  section.duration("wall", out.wall, {1ms, kDay});
  section.duration("compile_wall", out.compile_wall, {1ms, kDay});
  section.cores("cpu", out.cpu_millis, {10, 1'024'000});
  section.size("memory", out.memory, {kMiB, 1'024 * kTiB});
  section.count<std::uint64_t>("processes", out.processes, {1, 4'194'304});
  section.size("output", out.output, {1, kGiB});
  section.size("file_size", out.file_size, {1, 1'024 * kTiB});
  section.size("workspace", out.workspace, {1, 1'024 * kTiB});
  section.count<std::uint64_t>("workspace_files", out.workspace_files, {1, 1'000'000'000});
  section.count<std::uint64_t>("open_files", out.open_files, {16, 1'048'576});
  section.cores("compile_cpu", out.compile_cpu_millis, {10, 1'024'000});
  section.size("compile_memory", out.compile_memory, {kMiB, 1'024 * kTiB});
  section.count<std::uint64_t>("compile_processes", out.compile_processes, {1, 4'194'304});
  section.finish();
}

void multiply_limits(Section section, Limits& limits) {
  constexpr Bounds<double> kFactors{0.01, 1000};
  const auto times = [&](std::string_view key, auto& limit) {
    const double product = static_cast<double>(limit) * section.factor(key, kFactors);
    limit =
        static_cast<std::remove_reference_t<decltype(limit)>>(std::max(std::round(product), 1.0));
  };
  const auto time = [&](std::string_view key, milliseconds& limit) {
    auto count = limit.count();
    times(key, count);
    limit = milliseconds(count);
  };
  time("wall", limits.wall);
  time("compile_wall", limits.compile_wall);
  times("cpu", limits.cpu_millis);
  times("memory", limits.memory);
  times("processes", limits.processes);
  times("output", limits.output);
  times("file_size", limits.file_size);
  times("workspace", limits.workspace);
  times("workspace_files", limits.workspace_files);
  times("open_files", limits.open_files);
  times("compile_cpu", limits.compile_cpu_millis);
  times("compile_memory", limits.compile_memory);
  times("compile_processes", limits.compile_processes);
  section.finish();
}

void read_routes(const Json& value, std::map<std::string, RouteConfig>& out, OptionTable* table) {
  const std::string path = "/routes";
  const std::vector<std::string> known{"/exec", "/exec/stream"};
  for (const auto& [route, entry] : require_object(value, path)) {
    if (std::find(known.begin(), known.end(), route) == known.end()) {
      throw config_failure(path_of(path, route), unknown_key(route, known));
    }
    Section section(entry, path_of(path, route), table);
    section.require("response");
    section.text("response", out[route].response);
    section.finish();
  }
}

}  // namespace podium
