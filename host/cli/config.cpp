#include "cli/config.hpp"

#include <unistd.h>

#include "base/failure.hpp"
#include "cli/explain.hpp"
#include "cli/members.hpp"
#include "cli/plugin_tables.hpp"

namespace podium::cli {
namespace {

std::string shown(const Json* value) {
  constexpr std::size_t kLongest = 120;  // a whole language is a table
  if (value == nullptr) return "(nothing)";
  std::string text = json_dump(*value);
  if (text.size() > kLongest) text = text.substr(0, kLongest - 3) + "...";
  return text;
}

/// The daemon reads the text itself: its version, its defaults and its environment count.
Json ask_difference(const std::string& file, const Client& client) {
  const std::string text = file.empty() ? std::string() : read_config_text(file);
  const Reply reply =
      client.send_text("POST", "/api/v1/admin/config/diff", "application/json", text);
  if (reply.status != 200) throw client.refusal(reply);
  return json_parse(reply.body);
}

int run_diff(const ConfigOptions& options, const Client& client, Console& console) {
  const Json answer = ask_difference(options.operand, client);
  const Json* changes = answer.find("changes");
  if (changes == nullptr || !changes->is_array()) {
    throw Failure(Code::kInternal, "podiumd gave an answer without changes");
  }
  if (console.json) {
    console.out << json_dump_pretty(answer) << '\n';
  } else if (changes->items().empty()) {
    console.out << "a reload would change nothing\n";
  } else {
    print_changes(*changes, console.out);
  }
  return changes->items().empty() ? 0 : 1;
}

/// Of the daemon that runs. Its file is read here for the lines; who may not read it is not told.
KnownConfig running_config(const Client& client) {
  const Reply reply = client.get("/api/v1/admin/config");
  if (reply.status != 200) throw client.refusal(reply);
  const Json answer = json_parse(reply.body);
  KnownConfig known;
  known.of = "the running daemon at " + client.server().url;
  known.file = text_member(answer, "file");
  if (const Json* document = answer.find("config")) known.document = *document;
  if (const Json* list = answer.find("environment"); list != nullptr && list->is_array()) {
    for (const Json& each : list->items()) {
      known.overrides.push_back({text_member(each, "variable"), text_member(each, "key"), {}});
    }
  }
  return known;
}

/// Of the file and the environment here.
KnownConfig local_config(const std::filesystem::path& file) {
  const Config config = file.empty() ? parse_config(default_config_text(), "built-in defaults",
                                                    config_environment(environ))
                                     : load_config(file, config_environment(environ));
  return {file.empty() ? "the built-in defaults" : file.string(),
          *config.document,
          file.string(),
          {},
          config.overrides};
}

/// A daemon that answers is asked; --config asks for the file's.
KnownConfig known_config(const CommandLine& line, const Client& client) {
  if (!line.config.empty() || client.server().key.empty()) return local_config(line.config);
  try {
    return running_config(client);
  } catch (const Failure& failure) {
    if (failure.code() != Code::kUnavailable) throw;
    KnownConfig known = local_config({});
    known.of += " (" + std::string(failure.what()) + ")";
    return known;
  }
}

int run_explain(const CommandLine& line, const Client& client, Console& console) {
  KnownConfig known = known_config(line, client);
  if (!known.file.empty() && ::access(known.file.c_str(), R_OK) == 0) {
    known.places = config_places(read_config_text(known.file));
  }
  Config config;
  config.plugin_dir = text_member(known.document, "plugin_dir");
  const std::vector<Explanation> all =
      explain(pointer_of(line.config_options.operand), known, plugin_folder(config));
  Json list = Json::array();
  for (const Explanation& each : all) {
    if (console.json) {
      list.push(to_json(each));
    } else {
      console.out << to_text(each) << '\n';
    }
  }
  if (console.json) {
    console.out << json_dump_pretty(Json::object({{"of", known.of}, {"options", list}})) << '\n';
  } else {
    console.out << "Values are those of " << known.of << ".\n";
  }
  return 0;
}

int run_schema(const CommandLine& line, Console& console) {
  Config config;
  if (!line.config.empty()) config = load_config(line.config);
  const PluginTables plugins = open_plugins(plugin_folder(config));
  console.out << json_dump_pretty(config_schema(plugins.tables)) << '\n';
  return 0;
}

}  // namespace

void print_changes(const Json& changes, std::ostream& out) {
  for (const Json& change : changes.items()) {
    const Json* key = change.find("key");
    const Json* restart = change.find("needs_restart");
    if (key == nullptr || !key->is_string()) continue;
    const bool late = restart != nullptr && restart->is_bool() && restart->boolean();
    out << (late ? "restart  " : "reload   ") << key->string() << ": " << shown(change.find("from"))
        << " → " << shown(change.find("to")) << '\n';
  }
}

int run_config(const CommandLine& line, const Client& client, Console& console) {
  switch (line.config_options.action) {
    case ConfigAction::kDiff:
      return run_diff(line.config_options, client, console);
    case ConfigAction::kExplain:
      return run_explain(line, client, console);
    case ConfigAction::kSchema:
      return run_schema(line, console);
  }
  return 1;
}

}  // namespace podium::cli
