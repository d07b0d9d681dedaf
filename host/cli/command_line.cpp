#include "cli/command_line.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "base/failure.hpp"
#include "base/units.hpp"
#include "cli/plugin_new.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

enum Id { kUrl = 256, kKey, kKeyFile, kStateDir, kConfig, kJson, kText, kHelpId, kVersionId, kLang,
          kFile, kOut, kArg, kStdin, kTimeout, kQuiet, kName, kTenant, kLimit, kPrincipal, kLines, kDir,
          kNames };

constexpr option kOptions[] = {{"url", required_argument, nullptr, kUrl},
                               {"key", required_argument, nullptr, kKey},
                               {"key-file", required_argument, nullptr, kKeyFile},
                               {"state-dir", required_argument, nullptr, kStateDir},
                               {"config", required_argument, nullptr, kConfig},
                               {"json", no_argument, nullptr, kJson},
                               {"text", no_argument, nullptr, kText},
                               {"help", no_argument, nullptr, kHelpId},
                               {"version", no_argument, nullptr, kVersionId},
                               {"lang", required_argument, nullptr, kLang},
                               {"file", required_argument, nullptr, kFile},
                               {"out", required_argument, nullptr, kOut},
                               {"arg", required_argument, nullptr, kArg},
                               {"stdin", no_argument, nullptr, kStdin},
                               {"timeout", required_argument, nullptr, kTimeout},
                               {"quiet", no_argument, nullptr, kQuiet},
                               {"name", required_argument, nullptr, kName},
                               {"tenant", required_argument, nullptr, kTenant},
                               {"limit", required_argument, nullptr, kLimit},
                               {"principal", required_argument, nullptr, kPrincipal},
                               {"lines", required_argument, nullptr, kLines},
                               {"dir", required_argument, nullptr, kDir},
                               {"names", no_argument, nullptr, kNames},
                               {nullptr, 0, nullptr, 0}};

struct Words {
  CommandLine line;
  std::string key_file;
  std::vector<std::string> operands;
  bool has_exec_options = false;
  bool has_keys_options = false;
  bool has_audit_options = false;
};

std::string read_key(const fs::path& file) {
  std::ifstream in(file);
  std::string key;
  if (!in || !std::getline(in, key) || key.empty()) {
    throw Failure(Code::kUnauthenticated,
                  "cannot read a key from " + file.string() + "; expected one line, the API key");
  }
  return key;
}

milliseconds read_timeout(const char* text) {
  try {
    const milliseconds value = parse_duration(text);
    if (value.count() > 0) return value;
  } catch (const Failure&) {
    // Told below, with the option's name.
  }
  throw UsageError("--timeout: expected a time above 0 such as 10s or 500ms, not '" +
                   std::string(text) + "'");
}

void take_exec_option(int id, ExecOptions& exec) {
  switch (id) {
    case kLang: exec.language = optarg; break;
    case kFile: exec.files.emplace_back(optarg); break;
    case kOut: exec.out = optarg; break;
    case kArg: exec.arguments.emplace_back(optarg); break;
    case kStdin: exec.pass_stdin = true; break;
    case kTimeout: exec.timeout = read_timeout(optarg); break;
    case kQuiet: exec.quiet = true; break;
    default: break;
  }
}

std::uint32_t read_count(const std::string& text, const std::string& option) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > 1'000'000'000) {
    throw UsageError(option + ": expected a whole number up to 1000000000, not '" + text + "'");
  }
  return number;
}

/// "minute=60"; "default" for all of them.
void take_limit(const std::string& text, KeysOptions& keys) {
  constexpr std::array<std::array<const char*, 2>, 6> kNames{{{"second", "per_second"},
                                                              {"minute", "per_minute"},
                                                              {"hour", "hourly"},
                                                              {"day", "daily"},
                                                              {"month", "monthly"},
                                                              {"concurrent", "concurrent"}}};
  if (text == "default") {
    keys.default_limits = true;
    return;
  }
  const std::size_t equals = text.find('=');
  for (const auto& [name, word] : kNames) {
    if (text.substr(0, equals) != name || equals == text.npos) continue;
    keys.limits.emplace_back(word, read_count(text.substr(equals + 1), "--limit " + text));
    return;
  }
  throw UsageError("--limit: expected second=N, minute=N, hour=N, day=N, month=N, concurrent=N or "
                   "default, not '" + text + "'");
}

void take_keys_option(int id, KeysOptions& keys) {
  switch (id) {
    case kName: keys.name = optarg; break;
    case kTenant: keys.tenant = optarg; break;
    case kLimit: take_limit(optarg, keys); break;
    default: break;
  }
}

void take_option(int id, Words& words) {
  CommandLine& line = words.line;
  switch (id) {
    case kUrl: line.server.url = optarg; break;
    case kKey: line.server.key = optarg, line.server.key_origin = "--key"; break;
    case kKeyFile: words.key_file = optarg; break;
    case kStateDir: line.state_dir = optarg; break;
    case kConfig: line.config = optarg; break;
    case kJson: line.output = Output::kJson; break;
    case kText: line.output = Output::kText; break;
    case kName:
    case kTenant:
    case kLimit:
      words.has_keys_options = true;
      take_keys_option(id, line.keys);
      break;
    case kPrincipal:
      words.has_audit_options = true;
      line.audit.principal = optarg;
      break;
    case kLines:
      words.has_audit_options = true;
      line.audit.lines = read_count(optarg, "--lines");
      break;
    case kDir: line.plugin.dir = optarg; break;
    case kNames: line.names_only = true; break;
    default:
      words.has_exec_options = true;
      take_exec_option(id, line.exec);
  }
}

/// The first option that asks for help or the version ends the reading.
std::optional<Command> read_words(const std::vector<std::string>& given, Words& words) {
  std::vector<std::string> copy{"podium"};
  copy.insert(copy.end(), given.begin(), given.end());
  std::vector<char*> pointers;
  for (std::string& word : copy) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  optind = 0;  // glibc: start anew
  opterr = 0;
  for (int id; (id = ::getopt_long(static_cast<int>(copy.size()), pointers.data(), "-:h", kOptions,
                                   nullptr)) != -1;) {
    // The word just read: optind stands behind it.
    const std::string word = pointers[optind - 1] != nullptr ? pointers[optind - 1] : "";
    if (id == 'h' || id == kHelpId) return Command::kHelp;
    if (id == kVersionId) return Command::kVersion;
    if (id == '?') throw UsageError("unknown option " + word);
    if (id == ':') throw UsageError("the option " + word + " wants a value");
    if (id == 1) {
      words.operands.emplace_back(optarg);
    } else {
      take_option(id, words);
    }
  }
  for (int i = optind; pointers[static_cast<std::size_t>(i)] != nullptr; ++i) {
    words.operands.emplace_back(pointers[static_cast<std::size_t>(i)]);
  }
  return std::nullopt;
}

Command take_command(std::vector<std::string>& operands) {
  const std::string known =
      "exec, runs, cancel, status, languages, doctor, reload, config, keys, audit, backup or plugin";
  if (operands.empty()) throw UsageError("a command is missing: " + known);
  const std::string name = operands.front();
  operands.erase(operands.begin());
  if (name == "exec") return Command::kExec;
  if (name == "status") return Command::kStatus;
  if (name == "doctor") return Command::kDoctor;
  if (name == "reload") return Command::kReload;
  if (name == "languages") return Command::kLanguages;
  if (name == "keys") return Command::kKeys;
  if (name == "audit") return Command::kAudit;
  if (name == "backup") return Command::kBackup;
  if (name == "config") return Command::kConfig;
  if (name == "plugin") return Command::kPluginNew;
  if (name == "runs") return Command::kRuns;
  if (name == "cancel") return Command::kCancel;
  throw UsageError("unknown command '" + name + "'; expected " + known);
}

/// keys [list] | create ID | change ID | enable ID | disable ID | delete ID
void check_keys(const Words& words, KeysOptions& keys) {
  constexpr std::array<std::pair<const char*, KeyAction>, 6> kActions{
      {{"list", KeyAction::kList},
       {"create", KeyAction::kCreate},
       {"change", KeyAction::kChange},
       {"enable", KeyAction::kEnable},
       {"disable", KeyAction::kDisable},
       {"delete", KeyAction::kDelete}}};
  const std::string action = words.operands.empty() ? "list" : words.operands.front();
  const auto known = std::find_if(kActions.begin(), kActions.end(),
                                  [&](const auto& each) { return action == each.first; });
  if (known == kActions.end()) {
    throw UsageError("unknown action '" + action +
                     "'; expected list, create, change, enable, disable or delete");
  }
  keys.action = known->second;
  const std::size_t wanted = keys.action == KeyAction::kList ? 0 : 1;
  if (words.operands.size() > wanted + 1 || (wanted == 1 && words.operands.size() != 2)) {
    throw UsageError("keys " + action + (wanted == 1 ? " wants one key's id" : " wants no id"));
  }
  if (wanted == 1) keys.id = words.operands.at(1);
  const bool changes = keys.action == KeyAction::kCreate || keys.action == KeyAction::kChange;
  if (words.has_keys_options && !changes) {
    throw UsageError("--name, --tenant and --limit belong to keys create and keys change");
  }
  if (keys.action == KeyAction::kChange && !words.has_keys_options) {
    throw UsageError("keys change wants something to change: --name, --tenant or --limit");
  }
}

/// config diff [FILE] | explain KEY | schema
void check_config(const Words& words, ConfigOptions& options) {
  struct Known {
    const char* name;
    ConfigAction action;
    std::size_t least, most;  // operands
    const char* wants;
  };
  constexpr std::array<Known, 3> kActions{
      {{"diff", ConfigAction::kDiff, 0, 1, "at most one file"},
       {"explain", ConfigAction::kExplain, 1, 1, "one key, e.g. limits.wall"},
       {"schema", ConfigAction::kSchema, 0, 0, "nothing more"}}};
  const std::string action = words.operands.empty() ? "" : words.operands.front();
  const auto known = std::find_if(kActions.begin(), kActions.end(),
                                  [&](const Known& each) { return action == each.name; });
  if (known == kActions.end()) {
    const std::string what =
        action.empty() ? "config wants an action" : "unknown action '" + action + "'";
    throw UsageError(what + ": expected diff, explain or schema");
  }
  const std::size_t operands = words.operands.size() - 1;
  if (operands < known->least || operands > known->most) {
    throw UsageError("config " + action + " wants " + known->wants);
  }
  options.action = known->action;
  if (operands == 1) options.operand = words.operands[1];
}

void check_exec(const Words& words, ExecOptions& exec) {
  if (words.operands.size() != 1) {
    throw UsageError("exec wants one program: a file, or - for standard input; its arguments go "
                     "behind --arg");
  }
  exec.source = words.operands.front();
  if (exec.source == "-" && exec.pass_stdin) {
    throw UsageError("standard input cannot be both the program (-) and its input (--stdin)");
  }
  if (exec.language.empty()) exec.language = language_of(exec.source);
  if (exec.language.empty()) {
    throw UsageError("cannot tell the language of '" + exec.source + "'; say it with --lang, e.g. "
                     "--lang py");
  }
}

/// plugin new KIND NAME
void check_plugin(const Words& words, PluginOptions& plugin) {
  const std::vector<std::string>& given = words.operands;
  if (given.size() != 3 || given[0] != "new") {
    throw UsageError("plugin wants: new KIND NAME, where KIND is runtime, storage or response");
  }
  plugin.kind = given[1];
  plugin.name = given[2];
  check_plugin_options(plugin);
}

/// PODIUM_KEY, PODIUM_KEY_FILE, then the file that the first start left; or those of the
/// administrator.
void look_for_key(const Environment& environment, const fs::path& state_dir, Server& server) {
  const char* variable = server.admin ? "PODIUM_ADMIN_KEY" : "PODIUM_KEY";
  const char* file_variable = server.admin ? "PODIUM_ADMIN_KEY_FILE" : "PODIUM_KEY_FILE";
  const auto from_file = [&server](const fs::path& file) {
    server.key = read_key(file);
    server.key_origin = file.string();
  };
  if (const char* key = environment(variable); key != nullptr && *key != '\0') {
    server.key = key;
    server.key_origin = variable;
    return;
  }
  if (const char* file = environment(file_variable); file != nullptr && *file != '\0') {
    return from_file(file);
  }
  const fs::path first = state_dir / (server.admin ? "admin-key" : "first-key");
  if (std::ifstream(first).good()) from_file(first);
}

/// --key, --key-file, then what the environment and the state directory have.
void find_key(const std::string& key_file, const Environment& environment, CommandLine& line) {
  Server& server = line.server;
  const bool reloads = line.command == Command::kReload;
  server.admin = reloads || line.command == Command::kKeys || line.command == Command::kAudit ||
                 line.command == Command::kConfig || line.command == Command::kBackup;
  if (!key_file.empty() && server.key.empty()) {
    server.key = read_key(key_file);
    server.key_origin = key_file;
  }
  if (!server.key.empty()) return;
  look_for_key(environment, line.state_dir, server);
  // Where there is no administrator, a signal does it, and any key can ask what came of it.
  if (!reloads || !server.key.empty()) return;
  server.admin = false;
  look_for_key(environment, line.state_dir, server);
}

}  // namespace

std::string language_of(const fs::path& source) {
  constexpr std::array<std::array<std::string_view, 2>, 17> kKnown{{
      {".py", "py"}, {".sh", "bash"}, {".bash", "bash"}, {".js", "js"}, {".mjs", "js"},
      {".ts", "ts"}, {".c", "c"}, {".cpp", "cpp"}, {".cc", "cpp"}, {".java", "java"},
      {".php", "php"}, {".rs", "rs"}, {".go", "go"}, {".d", "d"}, {".f90", "f90"},
      {".r", "r"}, {".R", "r"}}};
  const std::string extension = source.extension().string();
  for (const auto& [ending, language] : kKnown) {
    if (extension == ending) return std::string(language);
  }
  return {};
}

CommandLine parse_command_line(const std::vector<std::string>& given,
                               const Environment& environment) {
  Words words;
  CommandLine& line = words.line;
  if (const char* url = environment("PODIUM_URL"); url != nullptr && *url != '\0') {
    line.server.url = url;
  }
  if (const char* dir = environment("PODIUM_STATE_DIR"); dir != nullptr) line.state_dir = dir;
  if (const auto early = read_words(given, words)) {
    line.command = *early;
    return line;
  }
  line.command = take_command(words.operands);
  if (line.command == Command::kExec) {
    check_exec(words, line.exec);
  } else if (line.command == Command::kKeys) {
    check_keys(words, line.keys);
  } else if (line.command == Command::kCancel) {
    if (words.operands.size() != 1) throw UsageError("cancel wants one run's id; see podium runs");
    line.run = words.operands.front();
  } else if (line.command == Command::kConfig) {
    check_config(words, line.config_options);
  } else if (line.command == Command::kPluginNew) {
    check_plugin(words, line.plugin);
    return line;  // it needs no daemon, and so neither its configuration nor a key
  } else if (!words.operands.empty()) {
    throw UsageError("unexpected argument '" + words.operands.front() + "'");
  }
  if (words.has_exec_options && line.command != Command::kExec) {
    throw UsageError("--lang, --file, --out, --arg, --stdin, --timeout and --quiet belong to exec");
  }
  if (words.has_keys_options && line.command != Command::kKeys) {
    throw UsageError("--name, --tenant and --limit belong to keys");
  }
  if (!line.plugin.dir.empty()) throw UsageError("--dir belongs to plugin new");
  if (line.names_only && line.command != Command::kLanguages) throw UsageError("--names belongs to languages");
  if (words.has_audit_options && line.command != Command::kAudit) {
    throw UsageError("--principal and --lines belong to audit");
  }
  if (line.state_dir.empty()) {
    line.state_dir = line.config.empty()
                         ? parse_config(default_config_text(), "built-in defaults").state_dir
                         : load_config(line.config).state_dir;
  }
  find_key(words.key_file, environment, line);
  return line;
}

}  // namespace podium::cli
