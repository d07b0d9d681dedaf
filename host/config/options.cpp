#include "config/options.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/fd.hpp"
#include "base/sha256.hpp"
#include "config/option_scalar.hpp"
#include "config/section.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxSecretBytes = 64u << 10;

podium_bytes bytes_of(const std::string& text) { return {text.data(), text.size()}; }

Failure broken_table(const std::string& why) {
  return Failure(Code::kInvalidArgument, "the plugin's option table is broken: " + why);
}

bool is_snake_case(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

std::string bounds_text(const podium_option& option) {
  if (option.min != nullptr && option.max != nullptr) {
    return std::string(option.min) + " to " + option.max;
  }
  if (option.min != nullptr) return std::string("at least ") + option.min;
  if (option.max != nullptr) return std::string("at most ") + option.max;
  return {};
}

void check_bounds(const podium_option& option, const Scalar& value) {
  const auto bound = [&](const char* text) {
    return read_scalar(option.type, table_value(option.type, text));
  };
  const bool low = option.min != nullptr && is_before(option.type, value, bound(option.min));
  const bool high = option.max != nullptr && is_before(option.type, bound(option.max), value);
  if (!low && !high) return;
  const Json shown = canonical_scalar(option.type, value);
  throw Failure(Code::kInvalidArgument,
                "found " + (shown.is_string() ? shown.string() : json_dump(shown)) + ", expected " +
                    bounds_text(option));
}

std::string read_secret_file(const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& why) {
    return Failure(Code::kInvalidArgument, "the secret's file " + file.native() + ": " + why);
  };
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw refuse(std::strerror(errno));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) throw refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw refuse("is no regular file");
  std::string text(kMaxSecretBytes + 1, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) throw refuse(std::strerror(errno));
  text.resize(static_cast<std::size_t>(got));
  if (text.size() > kMaxSecretBytes) throw refuse("is larger than 64 KiB");
  // Editors end a file with a line break, which is no part of the secret.
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.empty()) throw refuse("is empty");
  return text;
}

std::string read_secret(const Json& value, const std::filesystem::path& directory) {
  const bool one = value.is_object() && value.members().size() == 1;
  const std::string key = one ? value.members().front().first : "";
  if ((key != "file" && key != "env") || !value.members().front().second.is_string()) {
    // Not what was found: it may be the secret itself.
    throw Failure(Code::kInvalidArgument, std::string("found ") + value.kind() + ", expected " +
                                              expected_form(PODIUM_SECRET));
  }
  const std::string& name = value.members().front().second.string();
  if (key == "env") {
    const char* text = std::getenv(name.c_str());
    if (text != nullptr && *text != '\0') return text;
    throw Failure(Code::kInvalidArgument, "the secret's environment variable " + json_quote(name) +
                                              " is " + (text == nullptr ? "not set" : "empty"));
  }
  const std::filesystem::path file = name;
  if (name.empty() || (directory.empty() && !file.is_absolute())) {
    throw Failure(Code::kInvalidArgument,
                  "found the file " + json_quote(name) + ", expected an absolute path");
  }
  return read_secret_file(directory / file);
}

}  // namespace

/// The table's entries. A plugin of a later minor version has longer entries: their size is the
/// stride, and what this host does not know of is not read.
std::vector<const podium_option*> option_entries(const podium_option_table* table) {
  std::vector<const podium_option*> out;
  if (table == nullptr) return out;
  if (!PODIUM_HAS(table, options)) throw broken_table("it is smaller than podium_option_table");
  if (table->count > 0 && table->options == nullptr) throw broken_table("it has no entries");
  const auto* at = reinterpret_cast<const char*>(table->options);
  for (std::uint32_t i = 0; i < table->count; ++i) {
    const auto* option = reinterpret_cast<const podium_option*>(at);
    if (!PODIUM_HAS(option, doc) || option->size != table->options->size) {
      throw broken_table("entry " + std::to_string(i) + " has a wrong size");
    }
    out.push_back(option);
    at += option->size;
  }
  return out;
}

/// Fills an OptionValues, one option of the table after the other.
class OptionReader {
 public:
  OptionReader(const Json& options, const std::string& where,
               const std::filesystem::path& directory)
      : options_(options), where_(where), directory_(directory) {}

  OptionValues read(const std::string& instance, const podium_option_table* table) {
    content().name = instance;
    for (const podium_option* option : option_entries(table)) {
      check_entry(*option);
      names_.emplace_back(option->name);
      check_default(*option);
    }
    refuse_unknown();
    for (const podium_option* option : option_entries(table)) read_option(*option);
    content().canonical = json_dump(canonical_);
    const Json identity(Json::Array{content().canonical, std::move(secrets_)});
    content().fingerprint = sha256_hex(json_dump(identity));
    return std::move(out_);
  }

 private:
  OptionValues::Content& content() { return *out_.content_; }

  void check_entry(const podium_option& option) const {
    const std::string_view name = option.name == nullptr ? "" : option.name;
    if (!is_snake_case(name)) throw broken_table("an option's name is no snake_case");
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      throw broken_table("the option " + std::string(name) + " appears twice");
    }
    if (option.type < PODIUM_STRING || option.type > PODIUM_SECRET) {
      throw broken_table("the option " + std::string(name) + " has the unknown type " +
                         std::to_string(option.type));
    }
    if (!is_ordered(option.type) && (option.min != nullptr || option.max != nullptr)) {
      throw broken_table("the option " + std::string(name) + " of type " + type_name(option.type) +
                         " has bounds, which have no meaning there");
    }
  }

  // Defaults and bounds are checked even when the config gives a value: a fault that shows only
  // with some configs would be found by a user instead of the author.
  void check_default(const podium_option& option) const {
    try {
      for (const char* bound : {option.min, option.max}) {
        if (bound != nullptr) read_scalar(option.type, table_value(option.type, bound));
      }
      if (option.default_value == nullptr) return;
      if (option.type == PODIUM_SECRET) {
        if (*option.default_value == '\0') return;  // optional, and none unless given
        throw Failure(Code::kInvalidArgument, "a secret cannot have a default");
      }
      const Json value = table_value(option.type, option.default_value);
      if (option.type == PODIUM_STRING_LIST) {
        read_list(value, "/");
      } else if (option.type != PODIUM_STRING) {
        check_bounds(option, read_scalar(option.type, value));
      }
    } catch (const Failure& failure) {
      throw broken_table("the default or a bound of " + std::string(option.name) + ": " +
                         failure.what());
    }
  }

  void refuse_unknown() const {
    if (options_.is_null()) return;
    for (const auto& [key, value] : require_object(options_, where_)) {
      if (std::find(names_.begin(), names_.end(), key) == names_.end()) {
        throw config_failure(path_of(where_, key), unknown_key(key, names_));
      }
    }
  }

  void read_option(const podium_option& option) {
    const std::string path = path_of(where_, option.name);
    const Json* given = options_.find(option.name);
    podium_value value{};
    value.size = sizeof value;
    value.type = option.type;
    value.name = keep(option.name).data;
    if (given == nullptr && option.default_value == nullptr) {
      throw config_failure(path, "is missing, expected " + expected_form(option.type));
    }
    if (option.type == PODIUM_SECRET) {
      if (given != nullptr) value.text = secret(*given, path);
    } else {
      const Json held = given != nullptr ? *given : table_value(option.type, option.default_value);
      canonical_.set(option.name, place(option, held, path, value));
    }
    content().values.push_back(value);
  }

  /// Puts what is no secret into `value`; returns its canonical form.
  Json place(const podium_option& option, const Json& held, const std::string& path,
             podium_value& value) {
    if (option.type == PODIUM_STRING) {
      value.text = keep(require_string(held, path));
      return held;
    }
    if (option.type == PODIUM_STRING_LIST) {
      std::vector<podium_bytes> list;
      for (const std::string& text : read_list(held, path)) list.push_back(keep(text));
      content().lists.push_back(std::move(list));
      value.list = content().lists.back().data();
      value.list_count = static_cast<std::uint32_t>(content().lists.back().size());
      return held;
    }
    try {
      const Scalar scalar = read_scalar(option.type, held);
      check_bounds(option, scalar);
      value.integer = scalar.integer;
      value.number = scalar.number;
      return canonical_scalar(option.type, scalar);
    } catch (const Failure& failure) {
      throw config_failure(path, failure.what());
    }
  }

  static std::vector<std::string> read_list(const Json& held, const std::string& path) {
    if (!held.is_array()) {
      throw config_failure(path, std::string("found ") + held.kind() + ", expected " +
                                     expected_form(PODIUM_STRING_LIST));
    }
    std::vector<std::string> out;
    for (const Json& item : held.items()) {
      out.push_back(require_string(item, path_of(path, std::to_string(out.size()))));
    }
    return out;
  }

  podium_bytes secret(const Json& held, const std::string& path) {
    try {
      const std::string text = read_secret(held, directory_);
      secrets_.push_back(Json(Json::Array{path, sha256_hex(text)}));
      return keep(text);
    } catch (const Failure& failure) {
      throw config_failure(path, failure.what());
    }
  }

  podium_bytes keep(std::string text) {
    return bytes_of(content().strings.emplace_back(std::move(text)));
  }

  const Json& options_;
  const std::string& where_;
  const std::filesystem::path& directory_;
  std::vector<std::string> names_;
  Json canonical_ = Json::object();
  Json::Array secrets_;
  OptionValues out_;
};

podium_config OptionValues::config() const noexcept {
  podium_config config{};
  config.size = sizeof config;
  config.count = static_cast<std::uint32_t>(content_->values.size());
  config.values = content_->values.data();
  config.name = bytes_of(content_->name);
  config.json = bytes_of(content_->canonical);
  return config;
}

OptionValues validate_options(const std::string& instance, const podium_option_table* table,
                              const Json& options, const std::string& where,
                              const std::filesystem::path& directory) {
  return OptionReader(options, where, directory).read(instance, table);
}

std::string describe_options(const podium_option_table* table) {
  std::vector<std::array<std::string, 3>> rows;
  std::size_t name_width = 0, form_width = 0;
  for (const podium_option* option : option_entries(table)) {
    std::string form = type_name(option->type);
    if (option->default_value == nullptr) {
      form += ", required";
    } else if (option->type == PODIUM_SECRET) {
      form += ", default none";
    } else {
      const std::string text = option->default_value;
      form += ", default " + (text.empty() ? "\"\"" : text);
    }
    const std::string bounds = bounds_text(*option);
    if (!bounds.empty()) form += ", " + bounds;
    rows.push_back({option->name == nullptr ? "?" : option->name, form,
                    option->doc == nullptr ? "" : option->doc});
    name_width = std::max(name_width, rows.back()[0].size());
    form_width = std::max(form_width, form.size());
  }
  std::string out;
  for (const auto& [name, form, doc] : rows) {
    out += name + std::string(name_width - name.size() + 2, ' ') + form +
           std::string(form_width - form.size() + 2, ' ') + doc + "\n";
  }
  return out;
}

}  // namespace podium
