#include "config/config.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/fd.hpp"
#include "base/units.hpp"
#include "config/options.hpp"
#include "config/overrides.hpp"
#include "config/read_sections.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxConfigBytes = 1u << 20;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

Json parse_text(std::string_view text) {
  JsonRules rules;
  rules.max_bytes = kMaxConfigBytes;
  rules.comments = true;
  rules.unique_keys = true;
  return json_parse(text, rules);
}

/// What "plugins" and "languages" do: an entry replaces the one of its name, null removes it.
void merge_entries(Json& defaults, const Json& given) {
  for (const auto& [name, entry] : given.members()) defaults.set(name, entry);
  auto& members = defaults.members();
  members.erase(std::remove_if(members.begin(), members.end(),
                               [](const Json::Member& member) { return member.second.is_null(); }),
                members.end());
}

/// {"file": …} or {"env": …}: one replaces the other.
bool is_secret(const Json& value) {
  if (value.members().size() != 1) return false;
  const std::string& key = value.members().front().first;
  return key == "file" || key == "env";
}

/// Other sections: objects are merged member by member, everything else is replaced.
void merge_members(Json& defaults, const Json& given) {
  for (const auto& [key, value] : given.members()) {
    auto& members = defaults.members();
    const auto at =
        std::find_if(members.begin(), members.end(),
                     [&name = key](const Json::Member& member) { return member.first == name; });
    if (at != members.end() && at->second.is_object() && value.is_object() && !is_secret(value)) {
      merge_members(at->second, value);
    } else {
      defaults.set(key, value);
    }
  }
}

void merge(Json& defaults, const Json& given) {
  for (const auto& [key, value] : require_object(given, "")) {
    const Json* known = defaults.find(key);
    if ((key == "plugins" || key == "languages") && known != nullptr && value.is_object()) {
      Json entries = *known;
      merge_entries(entries, value);
      defaults.set(key, std::move(entries));
    } else {
      merge_members(defaults, Json::object({{key, value}}));
    }
  }
}

void check_absolute(const std::string& text, const std::string& path) {
  if (std::filesystem::path(text).is_absolute()) return;
  throw config_failure(path, "found " + json_quote(text) + ", expected an absolute path");
}

void check_user(const std::string& user) {
  const std::string_view first = "abcdefghijklmnopqrstuvwxyz_";
  const std::string_view rest = "abcdefghijklmnopqrstuvwxyz_0123456789-";
  if (!user.empty() && user.size() <= 32 && first.find(user[0]) != first.npos &&
      user.find_first_not_of(rest) == user.npos) {
    return;
  }
  throw config_failure("/user", "found " + json_quote(user) + ", expected the name of an account");
}

void check_instance(const Config& config, const std::string& name, const std::string& path) {
  if (config.plugin(name) != nullptr) return;
  std::vector<std::string> known;
  for (const PluginConfig& plugin : config.plugins) known.push_back(plugin.name);
  const std::string near = nearest_key(name, known);
  std::string hint = near.empty() ? "" : ": did you mean \"" + near + "\"?";
  throw config_failure(path,
                       "found " + json_quote(name) + ", which is no instance in /plugins" + hint);
}

bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  const auto [end, at] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

void check_shown(const Config& config, const std::vector<std::string>& paths,
                 const std::string& where) {
  const std::filesystem::path state = config.state_dir.lexically_normal();
  for (const std::string& shown : paths) {
    if (!lies_in(state, shown) && !lies_in(shown, state)) continue;
    throw config_failure(where, "found " + json_quote(shown) +
                                    ", expected no folder that holds or is in state_dir (" +
                                    state.native() + "): programs would read it");
  }
}

void check_references(const Config& config) {
  for (const LanguageConfig& language : config.languages) {
    const std::string path = path_of(path_of("/languages", language.name), "runtimes");
    for (std::size_t i = 0; i < language.runtimes.size(); ++i) {
      check_instance(config, language.runtimes[i], path_of(path, std::to_string(i)));
    }
  }
  check_instance(config, config.storage, "/storage");
  for (const auto& [route, entry] : config.routes) {
    check_instance(config, entry.response, path_of(path_of("/routes", route), "response"));
  }
  std::string reached = config.http.address;
  if (config.tls.enabled() && is_loopback(reached) && !config.tls.address.empty()) {
    reached = config.tls.address;
  }
  if (config.auth.mode == AuthConfig::Mode::kNone && !is_loopback(reached) &&
      config.auth.trusted_networks.empty()) {
    throw config_failure("/auth/mode", "found \"none\" with the address " + reached +
                                           ", expected \"keys\", a /listen/address of loopback "
                                           "like 127.0.0.1, or the clients' networks in "
                                           "/auth/trusted_networks");
  }
  if (config.admission.requests < config.http.max_request) {
    throw config_failure("/admission/requests", "found " + format_size(config.admission.requests) +
                                                    ", expected at least /http/max_request (" +
                                                    format_size(config.http.max_request) +
                                                    "): the largest request could never be taken");
  }
  check_shown(config, config.sandbox.read_only_paths, "/sandbox/read_only_paths");
  for (const LanguageConfig& language : config.languages) {
    check_shown(config, language.paths, path_of(path_of("/languages", language.name), "paths"));
  }
}

Config decode(const Json& value, OptionTable* table = nullptr) {
  Config config;
  Section top(value, "", table);
  const auto section = [&](std::string_view key) { return top.section(top.require(key), key); };
  read_listen(section("listen"), config.http);
  read_tls(section("tls"), config.tls);
  read_http(section("http"), config.http);
  std::string state_dir, plugin_dir, ignored;
  top.text("$schema", ignored);  // for editors
  top.text("state_dir", state_dir);
  check_absolute(state_dir, "/state_dir");
  config.state_dir = state_dir;
  top.text("plugin_dir", plugin_dir);
  config.plugin_dir = plugin_dir;
  top.text("user", config.user);
  check_user(config.user);
  read_plugins(top.require("plugins"), config.plugins, table);
  Limits limits;
  read_limits(section("limits"), limits);
  read_languages(top.require("languages"), limits, config.languages, table);
  top.text("storage", config.storage);
  read_routes(top.require("routes"), config.routes, table);
  read_admission(section("admission"), config.admission);
  read_sessions(section("sessions"), config.sessions);
  read_streams(section("streams"), config.streams);
  read_outputs(section("outputs"), config.outputs);
  read_input_cache(section("input_cache"), config.input_cache);
  read_auth(section("auth"), config.auth);
  read_quotas(section("quotas"), config.quotas);
  read_audit(section("audit"), config.audit);
  read_sandbox(section("sandbox"), config.sandbox);
  read_log(section("log"), config.log);
  using namespace std::chrono_literals;
  top.duration("drain_timeout", config.drain_timeout, {0ms, 1h});
  top.duration("reload_timeout", config.reload_timeout, {1s, 1h});
  top.finish();
  check_references(config);
  return config;
}

}  // namespace

const PluginConfig* Config::plugin(std::string_view name) const noexcept {
  for (const PluginConfig& each : plugins) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

const LanguageConfig* Config::language(std::string_view name_or_alias) const noexcept {
  for (const LanguageConfig& each : languages) {
    if (equal_ignoring_case(each.name, name_or_alias)) return &each;
    for (const std::string& alias : each.aliases) {
      if (equal_ignoring_case(alias, name_or_alias)) return &each;
    }
  }
  return nullptr;
}

std::vector<std::string> Config::shown_paths() const {
  std::set<std::string> paths(sandbox.read_only_paths.begin(), sandbox.read_only_paths.end());
  for (const LanguageConfig& each : languages) paths.insert(each.paths.begin(), each.paths.end());
  return {paths.begin(), paths.end()};
}

std::filesystem::path Config::resolve(const std::filesystem::path& path) const {
  return state_dir / path;  // an absolute path replaces what stands before it
}

bool is_loopback(std::string_view address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() >= text.size()) return false;
  std::copy(address.begin(), address.end(), text.begin());
  in_addr four;
  in6_addr six;
  if (::inet_pton(AF_INET, text.data(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  return ::inet_pton(AF_INET6, text.data(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

const OptionTable& host_options() {
  static const OptionTable kTable = [] {
    OptionTable recorded, table;
    decode(parse_text(default_config_text()), &recorded);
    for (OptionInfo& each : recorded) {
      each.key = table_key(each.key);
      const bool known = std::any_of(table.begin(), table.end(), [&](const OptionInfo& earlier) {
        return earlier.key == each.key;
      });
      if (!known) table.push_back(std::move(each));
    }
    return table;
  }();
  return kTable;
}

Config parse_config(std::string_view text, const std::string& origin,
                    const ConfigEnvironment& environment) {
  Json merged = parse_text(default_config_text());
  std::vector<Override> overrides;
  try {
    merge(merged, parse_text(text));
  } catch (const Failure& failure) {
    throw Failure(Code::kInvalidArgument, failure.within(origin).what());
  }
  apply_overrides(merged, environment, overrides);
  try {
    Config config = decode(merged);
    config.document = std::make_shared<const Json>(std::move(merged));
    config.overrides = std::move(overrides);
    return config;
  } catch (const Failure& failure) {
    const std::string from = origin_of(failure.what(), overrides, origin);
    throw Failure(Code::kInvalidArgument, failure.within(from).what());
  }
}

std::string read_config_text(const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& why) {
    return Failure(Code::kInvalidArgument, file.native() + ": " + why);
  };
  // Not blocking, so that a FIFO in the file's place cannot hold up the daemon.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw refuse(std::strerror(errno));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) throw refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw refuse("is no regular file, expected a config file");
  std::string text(kMaxConfigBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw refuse(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxConfigBytes) throw refuse("is larger than 1 MiB");
  text.resize(size);
  return text;
}

Config load_config(const std::filesystem::path& file, const ConfigEnvironment& environment) {
  return parse_config(read_config_text(file), file.native(), environment);
}

}  // namespace podium
