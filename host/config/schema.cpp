#include "config/schema.hpp"

#include <algorithm>

#include "config/config.hpp"
#include "config/config_text.hpp"
#include "config/option_scalar.hpp"
#include "config/option_table.hpp"
#include "config/options.hpp"

namespace podium {
namespace {

constexpr const char* kDuration = "^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$";
constexpr const char* kSize = "^(0|[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB))$";

Json of_type(const char* type) { return Json::object({{"type", type}}); }

Json texts() { return Json::object({{"type", "array"}, {"items", of_type("string")}}); }

Json pattern(const char* expression) {
  return Json::object({{"type", "string"}, {"pattern", expression}});
}

Json reference_to_secret(bool may_be_absent) {
  const auto one = [](const char* name) {
    return Json::object({{"type", "object"},
                         {"properties", Json::object({{name, of_type("string")}})},
                         {"required", Json(Json::Array{name})},
                         {"additionalProperties", false}});
  };
  Json choices = Json(Json::Array{one("file"), one("env")});
  if (may_be_absent) choices.push(of_type("null"));
  return Json::object({{"oneOf", std::move(choices)}});
}

void set_bounds(Json& schema, const std::string& least, const std::string& most) {
  if (!least.empty()) schema.set("minimum", json_parse(least));
  if (!most.empty()) schema.set("maximum", json_parse(most));
}

/// Bounds of what is written with a unit cannot be said in a schema: the sentence does.
std::string with_bounds(std::string text, const std::string& least, const std::string& most) {
  if (least.empty() && most.empty()) return text;
  if (!text.empty()) text += "; ";
  if (most.empty()) return text + "at least " + least;
  if (least.empty()) return text + "at most " + most;
  return text + least + " to " + most;
}

Json value_schema(const OptionInfo& option) {
  switch (option.type) {
    case OptionType::kText:
      return of_type("string");
    case OptionType::kTexts:
      return texts();
    case OptionType::kTextMap:
      return Json::object({{"type", "object"}, {"additionalProperties", of_type("string")}});
    case OptionType::kFlag:
      return of_type("boolean");
    case OptionType::kCount: {
      Json schema = of_type("integer");
      set_bounds(schema, option.least, option.most);
      return schema;
    }
    case OptionType::kCores:
    case OptionType::kFactor: {
      Json schema = of_type("number");
      set_bounds(schema, option.least, option.most);
      return schema;
    }
    case OptionType::kDuration:
      return pattern(kDuration);
    case OptionType::kSize:
      return pattern(kSize);
    case OptionType::kChoice: {
      Json choices = Json::array();
      for (const std::string& each : option.choices) choices.push(each);
      return Json::object({{"enum", std::move(choices)}});
    }
    case OptionType::kReference:
      return reference_to_secret(true);
    case OptionType::kPluginOptions:
      return of_type("object");
  }
  return Json::object();
}

Json value_schema(const podium_option& option) {
  const auto text = [](const char* t) { return std::string(t == nullptr ? "" : t); };
  switch (option.type) {
    case PODIUM_INTEGER:
    case PODIUM_NUMBER: {
      Json schema = of_type(option.type == PODIUM_INTEGER ? "integer" : "number");
      set_bounds(schema, text(option.min), text(option.max));
      return schema;
    }
    case PODIUM_BOOLEAN:
      return of_type("boolean");
    case PODIUM_DURATION:
      return pattern(kDuration);
    case PODIUM_SIZE:
      return pattern(kSize);
    case PODIUM_STRING_LIST:
      return texts();
    case PODIUM_SECRET:
      return reference_to_secret(false);
    default:
      return of_type("string");
  }
}

Json plugin_options(const podium_option_table* table) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const podium_option* option : option_entries(table)) {
    Json schema = value_schema(*option);
    const std::string least = option->min == nullptr ? "" : option->min;
    const std::string most = option->max == nullptr ? "" : option->max;
    schema.set("description", with_bounds(option->doc, least, most));
    if (option->default_value == nullptr) {
      required.push(option->name);
    } else if (option->type != PODIUM_SECRET) {
      schema.set("default", table_value(option->type, option->default_value));
    }
    properties.set(option->name, std::move(schema));
  }
  Json schema = of_type("object");
  schema.set("properties", std::move(properties));
  if (!required.items().empty()) schema.set("required", std::move(required));
  schema.set("additionalProperties", false);
  return schema;
}

/// The object schema below `schema` that holds members of that name, made on the way.
Json& member_of(Json& schema, const std::string& name) {
  const char* where = name == "*" ? "additionalProperties" : "properties";
  if (schema.find("type") == nullptr) schema.set("type", "object");
  if (name == "*") {
    if (schema.find(where) == nullptr || !schema.find(where)->is_object()) {
      schema.set(where, Json::object());
    }
  } else {
    if (schema.find(where) == nullptr) schema.set(where, Json::object());
    if (schema.find("additionalProperties") == nullptr) schema.set("additionalProperties", false);
  }
  const auto member = [](Json& of, const std::string& key) -> Json& {
    for (auto& [each, value] : of.members()) {
      if (each == key) return value;
    }
    of.set(key, Json::object());
    return of.members().back().second;
  };
  Json& holder = member(schema, where);
  return name == "*" ? holder : member(holder, name);
}

const Json* value_at(const Json& document, std::string_view key) {
  const Json* at = &document;
  while (!key.empty() && at != nullptr) {
    const std::size_t end = std::min(key.find('/', 1), key.size());
    at = at->find(key.substr(1, end - 1));
    key.remove_prefix(end);
  }
  return at;
}

void add_host_option(Json& root, const OptionInfo& option, const std::vector<ConfigPlace>& places,
                     const Json& defaults) {
  Json* at = &root;
  std::string_view rest = option.key;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    at = &member_of(*at, std::string(rest.substr(1, end - 1)));
    rest.remove_prefix(end);
  }
  *at = value_schema(option);
  // In the file "py" stands for every language, and an instance for every plugin.
  std::string key = option.key;
  for (const auto& [star, name] : {std::pair{"/languages/*", "/languages/py"},
                                   {"/plugins/*", "/plugins/pods"},
                                   {"/routes/*", "/routes/~1exec"}}) {
    if (key.starts_with(star)) key = name + key.substr(std::string_view(star).size());
  }
  const ConfigPlace* place = find_place(places, key);
  const bool unit = option.type == OptionType::kDuration || option.type == OptionType::kSize;
  const std::string said = place == nullptr ? "" : place->comment;
  const std::string text = unit ? with_bounds(said, option.least, option.most) : said;
  if (!text.empty()) at->set("description", text);
  const bool general = option.key.find('*') == option.key.npos;
  if (const Json* value = general ? value_at(defaults, option.key) : nullptr) {
    at->set("default", *value);
  }
}

/// An entry of "plugins" and "languages" may be null, which removes it; some members it must have.
void finish_entries(Json& root, const char* section, Json required) {
  Json& entries = member_of(root, section);
  Json entry = *entries.find("additionalProperties");
  entry.set("type", Json(Json::Array{"object", "null"}));
  entry.set("required", std::move(required));
  entries.set("additionalProperties", std::move(entry));
}

}  // namespace

Json config_schema(const std::vector<LibraryOptions>& libraries) {
  const std::vector<ConfigPlace> places = config_places(default_config_text());
  const auto defaults = parse_config(default_config_text(), "built-in defaults").document;
  Json root = Json::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                            {"title", "Configuration of podiumd"},
                            {"type", "object"}});
  for (const OptionInfo& option : host_options()) add_host_option(root, option, places, *defaults);
  finish_entries(root, "plugins", Json(Json::Array{"library"}));
  finish_entries(root, "languages", Json(Json::Array{"runtimes", "source", "command"}));

  Json definitions = Json::object(), rules = Json::array();
  for (const LibraryOptions& each : libraries) {
    definitions.set(each.library, plugin_options(each.table));
    std::string pointer = each.library;
    for (std::size_t i = 0; (i = pointer.find('/', i)) != pointer.npos; i += 2) {
      pointer.replace(i, 1, "~1");
    }
    const Json is_it = Json::object(
        {{"properties", Json::object({{"library", Json::object({{"const", each.library}})}})},
         {"required", Json(Json::Array{"library"})}});
    const Json options = Json::object({{"$ref", "#/$defs/" + pointer}});
    const Json then = Json::object({{"properties", Json::object({{"options", options}})}});
    rules.push(Json::object({{"if", is_it}, {"then", then}}));
  }
  if (libraries.empty()) return root;
  Json& plugins = member_of(root, "plugins");
  Json entry = *plugins.find("additionalProperties");
  entry.set("allOf", std::move(rules));
  plugins.set("additionalProperties", std::move(entry));
  root.set("$defs", std::move(definitions));
  return root;
}

}  // namespace podium
