#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "config/network.hpp"

namespace podium {

using Bytes = std::uint64_t;
using std::chrono::milliseconds;

/// What one run may use. Every member is set and positive.
struct Limits {
  milliseconds wall{30'000};
  milliseconds compile_wall{60'000};
  std::uint32_t cpu_millis = 1000;  ///< 1000 is one core; "cpu" in the config, in cores
  Bytes memory = 512u << 20;
  std::uint64_t processes = 128;
  Bytes output = 1u << 20;  ///< of each of stdout and stderr
  Bytes file_size = 256u << 20;
  Bytes workspace = 512u << 20;
  std::uint64_t workspace_files = 10'000;
  std::uint64_t open_files = 1024;
  // Of the compiler, instead of those of the same name above.
  std::uint32_t compile_cpu_millis = 2000;
  Bytes compile_memory = 1u << 30;
  std::uint64_t compile_processes = 256;
};

/// One instance of a plugin.
struct PluginConfig {
  std::string name;
  std::string library;  ///< relative to plugin_dir without ".so", or an absolute path
  Json options;         ///< object; validated later against the plugin's own option table
};

struct LanguageConfig {
  std::string name;  ///< canonical: "py"
  std::vector<std::string> aliases;
  std::vector<std::string> runtimes;  ///< instance names, tried in order
  /// File name of the code, e.g. "main.py". Here and in the command lines below, words in braces
  /// stand for something: see policy/command_words.hpp.
  std::string source;
  std::vector<std::string> compile;  ///< may be empty
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::vector<std::string> packages;  ///< Debian packages that provide it
  std::vector<std::string> paths;     ///< beside /usr, what its programs read of the host
  std::vector<std::string> version;   ///< command line that prints its version; may be empty
  /// The config's top-level run limits, times the language's multipliers, overridden by its own.
  Limits limits;
};

/// Runs that a principal may start in each calendar period (UTC) and have at a time; 0: any number.
struct QuotaConfig {
  std::uint32_t second = 0, minute = 0, hour = 0, day = 0, month = 0;
  std::uint32_t concurrent = 0;

  bool operator==(const QuotaConfig&) const = default;
};

/// One API key: its SHA-256 and what may be shown.
struct KeyConfig {
  std::string id;           ///< name for logs and as principal
  std::string sha256;       ///< 64 hexadecimal digits
  std::string name = {};    ///< for people
  std::string tenant = {};  ///< whose agents' and skills' files it shares
  bool disabled = false;
  std::optional<QuotaConfig> quota = {};  ///< instead of the configuration's
  EpochMs created = 0, used = 0;          ///< 0: not known
  bool in_file = false;                   ///< of the keys' file: not to be removed elsewhere
};

/// After so many wrong credentials `within` a time, a peer is refused for `duration`.
struct LockoutConfig {
  std::uint32_t failures = 20;  ///< 0: never
  milliseconds within{60'000}, duration{60'000};
};

/// Signed tokens (JWT) that are taken as bearer credentials.
struct TokenConfig {
  std::filesystem::path keys;  ///< a JWKS file or a folder of KID.pem; empty: none are taken
  std::string issuer = "librechat", audience = "codeapi";
  milliseconds max_lifetime{300'000}, skew{30'000};
};

struct AuthConfig {
  enum class Mode { kKeys, kNone };
  Mode mode = Mode::kKeys;
  /// Where keys of the operator are kept: JSON {"keys":[{"id":…,"sha256":…}]}; relative to
  /// state_dir.
  std::filesystem::path keys_file = "keys.json";
  /// Where the key of /api/v1/admin is; the file is made when it is missing. Both empty: no admin.
  std::filesystem::path admin_key_file = "admin-key";
  std::string admin_key_variable;
  std::vector<Network> trusted_networks;  ///< whose peers need no key
  std::vector<std::string> hosts;         ///< names of this machine, for requests that need no key
  std::string trusted_as = "anonymous";   ///< whose files they then see: a key's id, or any name
  LockoutConfig lockout;
  TokenConfig tokens;
};

struct AuditConfig {
  milliseconds retention{90LL * 86'400'000};  ///< 0: for ever
};

struct RouteConfig {
  std::string response;  ///< instance name of a response strategy
};

struct HttpConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;
  std::uint32_t io_threads = 1;
  std::uint32_t max_connections = 10'000;
  std::uint32_t max_connections_per_peer = 10'000;
  milliseconds head_timeout{10'000};
  milliseconds idle_timeout{75'000};   ///< at least 65 s
  milliseconds write_timeout{60'000};  ///< a reader that takes nothing for so long is gone
  Bytes body_rate = 1024;              ///< bytes a second a sender must reach after 10 s
  bool keep_alive_exec = false;
  bool page = true;                  ///< the web page at / and /admin
  Bytes max_request = 52u << 20;     ///< body of a JSON request
  Bytes unknown_bodies = 64u << 20;  ///< all bodies of senders not known yet, in memory
  Bytes transfers = 64u << 20;       ///< buffers of all uploads and downloads, but for small ones
  Bytes max_upload = 250u << 20;     ///< one uploaded file
  std::uint32_t max_upload_files = 200;
};

/// The listener that speaks TLS, beside the plain one.
struct TlsConfig {
  std::string address;  ///< empty: that of HttpConfig
  std::uint16_t port = 8443;
  /// PEM: the certificate with those between it and the authority, and its private key; relative
  /// to state_dir. Both empty: there is no such listener.
  std::filesystem::path certificate, key;
  milliseconds hsts{365LL * 86'400'000};  ///< max-age of Strict-Transport-Security; 0: not sent

  bool enabled() const noexcept { return !certificate.empty(); }
};

struct AdmissionConfig {
  std::uint32_t runs = 8;       ///< at a time
  std::uint32_t queue = 256;    ///< waiting runs; more are refused with 503
  Bytes requests = 256u << 20;  ///< all requests that are read, wait or run, in memory
  milliseconds queue_wait{60'000};
};

/// Streams of events and what is told of runs.
struct StreamConfig {
  Bytes waiting = 256u << 10;     ///< events that wait for a slow reader
  milliseconds hold{5'000};       ///< a program is held up so long for one; then output is dropped
  milliseconds reattach{60'000};  ///< longest time that a run may wait for another reader
  Bytes replay = 1u << 20;        ///< events of such a run kept to be sent again
  Bytes kept = 8u << 20;          ///< results of runs that have ended, for a minute
  Bytes message = 1u << 20;       ///< one message of a WebSocket's client, behind the run
  std::uint32_t message_rate = 200;  ///< of them a second
  milliseconds ping{20'000};         ///< between pings of a silent WebSocket; gone after two
};

struct SessionConfig {
  milliseconds time_to_live{86'400'000};  ///< since the last use; 0: for ever
  milliseconds sweep_interval{300'000};
  milliseconds orphan_age{3'600'000};  ///< of blobs that no record names
};

struct OutputFilesConfig {
  std::uint32_t max_files = 200;
  Bytes max_total = 512u << 20;
  std::uint32_t max_depth = 10;
};

/// Contents of a remote storage that are kept on this machine.
struct InputCacheConfig {
  Bytes size = 4ull << 30;  ///< of all together; 0: nothing is kept
};

struct SandboxConfig {
  bool strict = false;                       ///< refuse to start when a limit cannot be enforced
  std::uint32_t uid_base = 300'000;          ///< sandbox n runs as uid_base + n
  std::vector<std::string> read_only_paths;  ///< added to the sandbox's allow-list
  std::string network = "none";              ///< nothing else can be had
};

struct LogConfig {
  std::string level = "info";   ///< debug, info, warning, error
  std::string format = "text";  ///< text, json
};

/// One environment variable that changed the configuration.
struct Override {
  std::string variable;  ///< "PODIUM__LIMITS__WALL"
  std::string key;       ///< "/limits/wall"
  std::string shown;     ///< its value for logs; hidden where it may be a secret
};

/// {"second":…,…,"concurrent":…} and back; an error names `path` and the member.
Json to_json(const QuotaConfig& quota);
QuotaConfig quota_of(const Json& value, const std::string& path);

/// The whole configuration: an immutable value.
struct Config {
  HttpConfig http;
  TlsConfig tls;
  std::filesystem::path state_dir;
  std::filesystem::path plugin_dir;
  std::string user = "podium";  ///< account the daemon drops to when started as root
  std::vector<PluginConfig> plugins;
  std::vector<LanguageConfig> languages;
  std::string storage;  ///< instance name
  std::map<std::string, RouteConfig> routes;
  AdmissionConfig admission;
  StreamConfig streams;
  SessionConfig sessions;
  OutputFilesConfig outputs;
  InputCacheConfig input_cache;
  AuthConfig auth;
  QuotaConfig quotas;  ///< of principals without their own
  AuditConfig audit;
  SandboxConfig sandbox;
  LogConfig log;
  milliseconds drain_timeout{25'000};
  milliseconds reload_timeout{30'000};  ///< of a reload's pre-flight, and of making its plugins
  /// What this was read from: defaults, file and environment as one document. Secrets are in it by
  /// reference only. Null for a Config that was not parsed.
  std::shared_ptr<const Json> document;
  std::vector<Override> overrides;

  const PluginConfig* plugin(std::string_view name) const noexcept;
  /// By name or alias, case-insensitive; nullptr when unknown.
  const LanguageConfig* language(std::string_view name_or_alias) const noexcept;
  /// What the sandbox's allow-list has beside the system's: read_only_paths and the languages'
  /// paths, each once, in order.
  std::vector<std::string> shown_paths() const;
  /// `path` itself when absolute, otherwise below state_dir.
  std::filesystem::path resolve(const std::filesystem::path& path) const;
};

/// The environment's part of a configuration: NAME=VALUE lines of which the names begin with
/// "PODIUM__".
using ConfigEnvironment = std::vector<std::string>;
/// Those of an environment like environ(7).
ConfigEnvironment config_environment(const char* const* environment);

/// Reads a config file: JSON with comments. Every key must be known; an unknown one is an error
/// that names the nearest known key. Cross references (a route's response, a language's runtimes)
/// are checked. Defaults are those of config/podium.json, embedded at build time: a section that
/// the text leaves out is taken from there; one that it gives replaces it member by member, except
/// "plugins" and "languages", whose entries are replaced entry by entry; there, null removes one.
/// Then PODIUM__SECTION__KEY=VALUE of the environment replaces single values; an unknown name is an
/// error as well.
/// Throws Failure(kInvalidArgument) "ORIGIN: /path/of/key: what was wrong, what was expected", with
/// line and column where the text is no JSON; a variable is named instead of the origin.
Config parse_config(std::string_view text, const std::string& origin,
                    const ConfigEnvironment& environment = {});

/// The text of a config file of at most 1 MiB. Throws Failure(kInvalidArgument).
std::string read_config_text(const std::filesystem::path& file);

/// parse_config of that text, with the file's name as origin.
Config load_config(const std::filesystem::path& file, const ConfigEnvironment& environment = {});

/// Whether `address` is an IP address that only this machine reaches: 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view address) noexcept;

/// config/podium.json as it was at build time.
std::string_view default_config_text() noexcept;

}  // namespace podium
