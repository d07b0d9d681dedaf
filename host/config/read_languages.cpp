#include <algorithm>
#include <cctype>
#include <set>

#include "base/file_name.hpp"
#include "config/read_sections.hpp"

namespace podium {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

/// Whether `text` has 1 to `longest` characters, all of one of the sets.
bool made_of(std::string_view text, std::size_t longest,
             std::initializer_list<std::string_view> sets) {
  const auto allowed = [&](char c) {
    return std::any_of(sets.begin(), sets.end(),
                       [c](std::string_view set) { return set.find(c) != set.npos; });
  };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), allowed);
}

bool is_instance_name(std::string_view name) {
  return made_of(name, 64, {kLower, kUpper, kDigits, "_-"});
}

void check_language_name(const std::string& name, const std::string& path) {
  if (made_of(name, 32, {kLower, kDigits, "+#_.-"})) return;
  throw config_failure(path, "found the name " + json_quote(name.substr(0, 80)) +
                                 ", expected up to 32 of a-z 0-9 + # _ . -");
}

void check_library(const std::string& library, const std::string& path) {
  const std::filesystem::path file = library;
  const bool normal =
      file == file.lexically_normal() && file.has_filename() && (library.rfind("..", 0) != 0);
  const bool suffix = file.extension() == ".so";
  if (normal && suffix == file.is_absolute()) return;
  throw config_failure(path, "found " + json_quote(library) +
                                 ", expected a path below plugin_dir without \".so\", like "
                                 "\"runtime/job\", or an absolute path that ends in \".so\"");
}

void check_source(const std::string& source, const std::string& path) {
  std::string why;
  try {
    if (canonical_file_name(source) == source && source.find('/') == std::string::npos) return;
  } catch (const Failure& failure) {
    why = std::string(" (") + failure.what() + ")";
  }
  throw config_failure(
      path, "found " + json_quote(source) + why + ", expected a plain file name like \"main.py\"");
}

void check_command(const std::vector<std::string>& command, const std::string& path) {
  // A name without a slash would be looked up along a PATH that nobody set for it.
  const std::string& program = command.front();
  if (program.rfind('/', 0) == 0 || program.rfind("{source}", 0) == 0 ||
      program.rfind("{folder}/", 0) == 0) {
    return;
  }
  throw config_failure(path_of(path, "0"), "found " + json_quote(program) +
                                               ", expected the absolute path of a program");
}

/// Words in braces must be known ones; braces around anything else are the command's own.
void check_words(const std::string& text, const std::vector<std::string>& known,
                 const std::string& path) {
  for (std::size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == text.npos) return;
    const std::string word = text.substr(open + 1, close - open - 1);
    if (!made_of(word, 32, {kLower, "_"}) ||
        std::find(known.begin(), known.end(), word) != known.end()) {
      continue;
    }
    std::string choices;
    for (const std::string& each : known) choices += (choices.empty() ? "{" : ", {") + each + "}";
    throw config_failure(path, "found {" + word + "}, expected one of " + choices);
  }
}

void read_command(Section& section, const char* key, std::vector<std::string>& out) {
  section.texts(key, out);
  const std::string path = section.path_of(key);
  if (out.empty()) return;
  check_command(out, path);
  for (std::size_t i = 0; i < out.size(); ++i) {
    check_words(out[i], {"source", "folder", "memory", "public_class", "main_class"},
                path_of(path, std::to_string(i)));
  }
}

void read_environment(const Json& value, const std::string& path,
                      std::map<std::string, std::string>& out) {
  for (const auto& [name, text] : require_object(value, path)) {
    if (!made_of(name, 256, {kLower, kUpper, kDigits, "_"}) || std::isdigit(name[0]) != 0) {
      throw config_failure(path_of(path, name),
                           "expected a name of letters, digits and _, not beginning with a digit");
    }
    out[name] = require_string(text, path_of(path, name));
  }
}

void read_packages(Section& section, std::vector<std::string>& out) {
  section.texts("packages", out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (made_of(out[i], 128, {kLower, kDigits, "+.-"})) continue;
    throw config_failure(path_of(section.path_of("packages"), std::to_string(i)),
                         "found " + json_quote(out[i]) + ", expected the name of a Debian package");
  }
}

LanguageConfig read_language(const std::string& name, const Json& value, const Limits& limits,
                             OptionTable* table) {
  LanguageConfig out;
  out.name = name;
  out.limits = limits;
  Section section(value, path_of("/languages", name), table);
  check_language_name(name, section.path());
  section.texts("aliases", out.aliases);
  for (std::size_t i = 0; i < out.aliases.size(); ++i) {
    check_language_name(out.aliases[i], path_of(section.path_of("aliases"), std::to_string(i)));
  }
  section.require("runtimes");
  section.texts("runtimes", out.runtimes);
  if (out.runtimes.empty()) {
    throw config_failure(section.path_of("runtimes"), "is empty, expected a plugin's instance");
  }
  section.require("source");
  section.text("source", out.source);
  check_source(out.source, section.path_of("source"));
  check_words(out.source, {"public_class"}, section.path_of("source"));
  read_command(section, "compile", out.compile);
  section.require("command");
  read_command(section, "command", out.command);
  if (out.command.empty()) {
    throw config_failure(section.path_of("command"), "is empty, expected a command line");
  }
  read_command(section, "version", out.version);
  section.record("environment", OptionType::kTextMap);
  if (const Json* environment = section.find("environment")) {
    read_environment(*environment, section.path_of("environment"), out.environment);
  }
  read_packages(section, out.packages);
  read_shown_paths(section, "paths", out.paths);
  if (const Json* factors = section.find("multipliers")) {
    multiply_limits(section.section(*factors, "multipliers"), out.limits);
  }
  if (const Json* own = section.find("limits")) {
    read_limits(section.section(*own, "limits"), out.limits);
  }
  section.finish();
  return out;
}

}  // namespace

void read_plugins(const Json& value, std::vector<PluginConfig>& out, OptionTable* table) {
  const std::string path = "/plugins";
  for (const auto& [name, entry] : require_object(value, path)) {
    Section section(entry, path_of(path, name), table);
    if (!is_instance_name(name)) {
      throw config_failure(section.path(), "found the name " + json_quote(name.substr(0, 80)) +
                                               ", expected up to 64 of a-z A-Z 0-9 _ -");
    }
    PluginConfig plugin;
    plugin.name = name;
    section.require("library");
    section.text("library", plugin.library);
    check_library(plugin.library, section.path_of("library"));
    plugin.options = Json::object();
    section.record("options", OptionType::kPluginOptions);
    if (const Json* options = section.find("options")) {
      require_object(*options, section.path_of("options"));
      plugin.options = *options;
    }
    section.finish();
    out.push_back(std::move(plugin));
  }
}

void read_languages(const Json& value, const Limits& limits, std::vector<LanguageConfig>& out,
                    OptionTable* table) {
  const std::string path = "/languages";
  std::map<std::string, std::string> owner;  // a name or alias, and whose it is
  for (const auto& [name, entry] : require_object(value, path)) {
    out.push_back(read_language(name, entry, limits, table));
    std::vector<std::string> names = out.back().aliases;
    names.push_back(name);
    for (const std::string& each : names) {
      const auto [at, fresh] = owner.emplace(each, name);
      if (fresh) continue;
      throw config_failure(path_of(path, name), "the name " + json_quote(each) +
                                                    " is already one of \"" + at->second +
                                                    "\", expected it once");
    }
  }
  if (out.empty()) throw config_failure(path, "is empty, expected at least one language");
}

}  // namespace podium
