#include "cli/explain.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "cli/plugin_tables.hpp"
#include "config/difference.hpp"
#include "config/option_scalar.hpp"
#include "config/option_table.hpp"
#include "config/options.hpp"
#include "config/section.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

const Json* value_at(const Json& document, std::string_view pointer) {
  const Json* at = &document;
  while (!pointer.empty() && at != nullptr) {
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string name(pointer.substr(1, end - 1));
    for (std::size_t i = 0; (i = name.find("~1", i)) != name.npos;) name.replace(i, 2, "/");
    for (std::size_t i = 0; (i = name.find("~0", i)) != name.npos;) name.replace(i, 2, "~");
    at = at->find(name);
    pointer.remove_prefix(end);
  }
  return at;
}

bool lies_in(std::string_view key, std::string_view section) {
  return key.size() > section.size() && key.starts_with(section) && key[section.size()] == '/';
}

std::string bounds_text(const std::string& least, const std::string& most) {
  if (least.empty() && most.empty()) return {};
  if (most.empty()) return "at least " + least;
  if (least.empty()) return "at most " + most;
  return least + " to " + most;
}

/// Where the value of a key comes from, the last word first.
std::string origin_of_key(const std::string& key, const KnownConfig& config) {
  for (const Override& each : config.overrides) {
    if (each.key == key || lies_in(each.key, key)) return "environment variable " + each.variable;
  }
  if (const ConfigPlace* place = find_place(config.places, key)) {
    return config.file + ", line " + std::to_string(place->line);
  }
  return "default";
}

void fill_value(Explanation& out, const KnownConfig& config) {
  out.needs_restart = needs_restart(out.key);
  if (const Json* value = value_at(config.document, out.key)) {
    out.value = *value;
    out.has_value = true;
    out.origin = origin_of_key(out.key, config);
  }
}

/// Every option of the host that a configuration has or may have, with its real names instead of
/// the table's "*".
std::vector<std::pair<std::string, const OptionInfo*>> real_options(const Json& document) {
  std::vector<std::pair<std::string, const OptionInfo*>> out;
  for (const OptionInfo& option : host_options()) {
    const std::size_t star = option.key.find("/*");
    if (star == option.key.npos) {
      out.emplace_back(option.key, &option);
      continue;
    }
    const std::string section = option.key.substr(0, star);
    const Json* entries = value_at(document, section);
    if (entries == nullptr || !entries->is_object()) continue;
    for (const auto& member : entries->members()) {
      out.emplace_back(path_of(section, member.first) + option.key.substr(star + 2), &option);
    }
  }
  return out;
}

Explanation of_host(const std::string& key, const OptionInfo& option, const KnownConfig& config,
                    const KnownConfig& defaults) {
  Explanation out;
  out.key = key;
  out.type = to_string(option.type);
  for (const std::string& each : option.choices) {
    out.type += (&each == &option.choices.front() ? ": " : ", ") + each;
  }
  out.bounds = bounds_text(option.least, option.most);
  const ConfigPlace* place = find_place(defaults.places, key);
  if (place == nullptr || place->comment.empty()) {
    std::string general = table_key(key);  // what is said of "py" holds for every language
    for (const auto& [star, name] :
         {std::pair{"/languages/*", "/languages/py"}, {"/plugins/*", "/plugins/pods"}}) {
      if (general.starts_with(star)) general = name + general.substr(std::string_view(star).size());
    }
    place = find_place(defaults.places, general);
  }
  if (place != nullptr) out.sentence = place->comment;
  if (const Json* value = value_at(defaults.document, key)) {
    out.fallback = *value;
    out.has_default = true;
  }
  fill_value(out, config);
  return out;
}

std::vector<Explanation> of_plugin(const std::string& section, const KnownConfig& config,
                                   const fs::path& folder) {
  std::vector<Explanation> out;
  const std::string instance = section.substr(0, section.rfind("/options"));
  const Json* library = value_at(config.document, instance + "/library");
  if (library == nullptr || !library->is_string()) return out;
  const PluginTables tables = open_plugin(folder, library->string());
  for (const podium_option* option : option_entries(tables.tables.front().table)) {
    Explanation each;
    each.key = path_of(section, option->name);
    each.type = type_name(option->type);
    each.bounds = bounds_text(option->min == nullptr ? "" : option->min,
                              option->max == nullptr ? "" : option->max);
    each.sentence = option->doc;
    if (option->default_value != nullptr && option->type != PODIUM_SECRET) {
      each.fallback = table_value(option->type, option->default_value);
      each.has_default = true;
    }
    fill_value(each, config);
    if (!each.has_value && each.has_default) {
      each.value = each.fallback;
      each.has_value = true;
      each.origin = "default";
    }
    out.push_back(std::move(each));
  }
  return out;
}

[[noreturn]] void refuse(const std::string& pointer, const std::vector<std::string>& known) {
  // Most slips are in the last name, so that the keys beside it are looked at first.
  const std::string section = pointer.substr(0, pointer.rfind('/'));
  std::vector<std::string> beside, last_names;
  for (const std::string& key : known) {
    if (lies_in(key, section)) beside.push_back(key.substr(section.size() + 1));
    last_names.push_back(key.substr(key.rfind('/') + 1));
  }
  std::string near = nearest_key(pointer.substr(section.size() + 1), beside);
  if (!near.empty()) {
    near = section + "/" + near;
  } else {
    near = nearest_key(pointer, known);
  }
  const std::string name = pointer.substr(pointer.rfind('/') + 1);
  for (std::size_t i = 0; near.empty() && i < known.size(); ++i) {
    if (last_names[i] == name) near = known[i];
  }
  throw Failure(Code::kNotFound, "there is no key " + pointer +
                                     (near.empty() ? "; podium config explain / lists all of them"
                                                   : ": did you mean " + near + "?"));
}

}  // namespace

std::string pointer_of(const std::string& key) {
  if (key == "/") return {};
  if (key.starts_with('/')) return key;
  std::string pointer = "/" + key;
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  return pointer;
}

std::vector<Explanation> explain(const std::string& pointer, const KnownConfig& config,
                                 const fs::path& folder) {
  KnownConfig defaults;
  defaults.document = *parse_config(default_config_text(), "built-in defaults").document;
  defaults.places = config_places(default_config_text());
  std::vector<Explanation> out;
  std::vector<std::string> known;
  for (const auto& [key, option] : real_options(config.document)) {
    known.push_back(key);
    const bool wanted = key == pointer || lies_in(key, pointer);
    if (option->type == OptionType::kPluginOptions && (wanted || lies_in(pointer, key))) {
      for (Explanation& each : of_plugin(key, config, folder)) {
        known.push_back(each.key);
        if (wanted || each.key == pointer) out.push_back(std::move(each));
      }
    } else if (wanted || (lies_in(pointer, key) && option->type == OptionType::kTextMap)) {
      out.push_back(of_host(key, *option, config, defaults));
    }
  }
  if (out.empty()) refuse(pointer, known);
  return out;
}

Json to_json(const Explanation& each) {
  Json json = Json::object({{"key", each.key}, {"type", each.type}});
  if (!each.bounds.empty()) json.set("bounds", each.bounds);
  if (!each.sentence.empty()) json.set("description", each.sentence);
  if (each.has_default) json.set("default", each.fallback);
  if (each.has_value) json.set("value", each.value);
  if (each.has_value) json.set("origin", each.origin);
  json.set("needs_restart", each.needs_restart);
  return json;
}

std::string to_text(const Explanation& each) {
  std::string out =
      each.key + "  (" + each.type + (each.bounds.empty() ? "" : ", " + each.bounds) + ")\n";
  if (!each.sentence.empty()) out += "  " + each.sentence + "\n";
  if (each.has_default) out += "  default: " + json_dump(each.fallback) + "\n";
  if (each.has_value) out += "  now:     " + json_dump(each.value) + "  from " + each.origin + "\n";
  out += each.needs_restart ? "  a change needs a restart\n"
                            : "  a change is taken over by a reload\n";
  return out;
}

}  // namespace podium::cli
