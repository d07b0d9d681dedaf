#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace podium::cli {

/// What `podium` is asked to do.
enum class Command { kHelp, kVersion, kExec, kStatus, kDoctor, kReload, kLanguages, kKeys, kAudit,
                     kConfig, kPluginNew, kRuns, kCancel, kBackup };

/// How results are written. kAuto: text on a terminal, JSON elsewhere.
enum class Output { kAuto, kText, kJson };

/// Where the daemon is and what opens it.
struct Server {
  std::string url = "http://127.0.0.1:8000";
  std::string key;         ///< empty: none was found
  std::string key_origin;  ///< "--key", "PODIUM_KEY" or a file: for messages
  bool admin = false;      ///< the key was looked for as the administrator's
};

struct ExecOptions {
  std::string source;                        ///< path of the program, or "-"
  std::string language;                      ///< empty: by the extension of `source`
  std::vector<std::filesystem::path> files;  ///< to lie in the workspace
  std::filesystem::path out;                 ///< empty: result files are only named
  std::vector<std::string> arguments;
  bool pass_stdin = false;
  std::optional<milliseconds> timeout;
  bool quiet = false;
};

/// What `podium keys` does.
enum class KeyAction { kList, kCreate, kChange, kEnable, kDisable, kDelete };

struct KeysOptions {
  KeyAction action = KeyAction::kList;
  std::string id;
  std::optional<std::string> name, tenant;
  /// By the API's names, "per_minute": 60; 0: no bound.
  std::vector<std::pair<std::string, std::uint32_t>> limits;
  bool default_limits = false;  ///< those of the daemon's configuration again
};

struct AuditOptions {
  std::string principal;  ///< empty: of all
  unsigned lines = 50;
};

/// What `podium config` does.
enum class ConfigAction { kDiff, kExplain, kSchema };

struct ConfigOptions {
  ConfigAction action = ConfigAction::kDiff;
  std::string operand;  ///< of diff a file, empty for the daemon's own; of explain a key
};

/// What `podium plugin new` makes.
struct PluginOptions {
  std::string kind;           ///< runtime, storage or response
  std::string name;           ///< [a-z][a-z0-9]*([-_][a-z0-9]+)*
  std::filesystem::path dir;  ///< of the new project; empty: ./NAME
};

struct CommandLine {
  Command command = Command::kHelp;
  Server server;
  Output output = Output::kAuto;
  std::filesystem::path state_dir;  ///< from --state-dir, PODIUM_STATE_DIR, or the config's default
  std::filesystem::path config;     ///< empty: the built-in defaults
  ExecOptions exec;
  std::string run;          ///< of cancel
  bool names_only = false;  ///< of languages
  KeysOptions keys;
  AuditOptions audit;
  ConfigOptions config_options;
  PluginOptions plugin;
};

/// A command line that cannot be understood; what() says what is wrong with it.
class UsageError : public std::exception {
 public:
  explicit UsageError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// The value of an environment variable, nullptr when it is not set.
using Environment = std::function<const char*(const char*)>;

/// Reads the words after the program's name. Not thread-safe (getopt). Throws UsageError, and
/// Failure when a key file was named but cannot be read.
CommandLine parse_command_line(const std::vector<std::string>& words, const Environment& environment);

/// What `podium --help` prints.
std::string_view help_text() noexcept;

/// The language that a file's extension stands for, empty when unknown.
std::string language_of(const std::filesystem::path& source);

}  // namespace podium::cli
