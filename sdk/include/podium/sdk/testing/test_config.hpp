#pragma once
#include <podium/sdk/options.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium::sdk::testing {

/// Reads a number with one of the units; a bare number must be 0 or `units` must name "" as one.
/// Throws std::invalid_argument.
inline std::int64_t parse_units(const std::string& text,
                                const std::vector<std::pair<std::string_view, double>>& units) {
  const char* begin = text.c_str();
  char* end = nullptr;
  double number = std::strtod(begin, &end);
  std::string_view unit(end);
  if (end != begin && std::isfinite(number)) {
    if (number == 0 && unit.empty()) return 0;
    for (const auto& [name, factor] : units) {
      if (unit == name) return std::llround(number * factor);
    }
  }
  throw std::invalid_argument("'" + text + "' is no number with a known unit");
}

/// A JSON array of strings without escapes other than \" and \\. Throws std::invalid_argument.
inline std::vector<std::string> parse_list(std::string_view text) {
  auto wrong = [&] { return std::invalid_argument("'" + std::string(text) + "' is no list"); };
  std::vector<std::string> out;
  std::size_t i = 0;
  auto skip = [&] {
    while (i < text.size() && text[i] == ' ') ++i;
  };
  auto next = [&] { return skip(), i < text.size() ? text[i++] : '\0'; };
  if (next() != '[') throw wrong();
  if (skip(); i < text.size() && text[i] == ']') return out;
  for (;;) {
    if (next() != '"') throw wrong();
    std::string item;
    while (i < text.size() && text[i] != '"') {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      item += text[i++];
    }
    if (i++ >= text.size()) throw wrong();
    out.push_back(std::move(item));
    char separator = next();
    if (separator == ']') return out;
    if (separator != ',') throw wrong();
  }
}

/// A podium_config that owns what it points to, checked against a table as the host checks it.
class TestConfig {
 public:
  /// `given` in the notation of podium_option.default_value; a secret is given as it is. Throws
  /// std::invalid_argument: unknown option, missing one, wrong notation, out of bounds.
  TestConfig(std::span<const podium_option> table, const std::map<std::string, std::string>& given,
             std::string name)
      : storage_(std::make_unique<Storage>()) {
    storage_->name = std::move(name);
    for (const auto& [key, text] : given) {
      if (!has(table, key)) throw std::invalid_argument("unknown option '" + key + "'");
    }
    for (const podium_option& option : table) {
      auto found = given.find(option.name);
      if (found != given.end()) {
        add(option, found->second);
      } else if (option.default_value != nullptr) {
        add(option, option.default_value);
      } else {
        throw std::invalid_argument("option '" + std::string(option.name) + "' is required");
      }
    }
    config_ = {sizeof(podium_config), static_cast<std::uint32_t>(storage_->values.size()),
               storage_->values.data(), bytes(storage_->name), bytes("{}")};
  }

  const podium_config* raw() const noexcept { return &config_; }
  operator const podium_config*() const noexcept { return &config_; }

 private:
  struct Storage {
    std::string name;
    std::deque<std::string> strings;
    std::deque<std::vector<podium_bytes>> lists;
    std::vector<podium_value> values;
  };

  static bool has(std::span<const podium_option> table, const std::string& key) {
    for (const podium_option& option : table) {
      if (key == option.name) return true;
    }
    return false;
  }

  podium_bytes keep(std::string text) {
    return bytes(storage_->strings.emplace_back(std::move(text)));
  }

  void add(const podium_option& option, const std::string& text) {
    podium_value value = read(option, text);
    auto outside = [&](const char* bound, int sign) {
      if (bound == nullptr) return false;
      podium_value limit = read(option, bound);
      double difference = option.type == PODIUM_NUMBER
                              ? value.number - limit.number
                              : static_cast<double>(value.integer - limit.integer);
      return difference * sign > 0;
    };
    if (outside(option.min, -1) || outside(option.max, 1)) {
      throw std::invalid_argument("option '" + std::string(option.name) + "': '" + text +
                                  "' is out of bounds");
    }
    storage_->values.push_back(value);
  }

  podium_value read(const podium_option& option, const std::string& text) {
    podium_value value{};
    value.size = sizeof value;
    value.type = option.type;
    value.name = option.name;
    switch (static_cast<podium_option_type>(option.type)) {
      case PODIUM_STRING:
      case PODIUM_SECRET:
        value.text = keep(text);
        break;
      case PODIUM_INTEGER:
        value.integer = parse_units(text, {{"", 1}});
        break;
      case PODIUM_NUMBER:
        value.number = std::strtod(text.c_str(), nullptr);
        break;
      case PODIUM_BOOLEAN:
        if (text != "true" && text != "false") {
          throw std::invalid_argument("'" + text + "' is neither true nor false");
        }
        value.integer = text == "true" ? 1 : 0;
        break;
      case PODIUM_DURATION:
        value.integer =
            parse_units(text, {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}});
        break;
      case PODIUM_SIZE:
        value.integer = parse_units(text, {{"B", 1},
                                           {"kB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12},
                                           {"KiB", 1024.0},
                                           {"MiB", 1048576.0},
                                           {"GiB", 1073741824.0},
                                           {"TiB", 1099511627776.0}});
        break;
      case PODIUM_STRING_LIST: {
        auto& list = storage_->lists.emplace_back();
        for (std::string& item : parse_list(text)) list.push_back(keep(std::move(item)));
        value.list = list.data();
        value.list_count = static_cast<std::uint32_t>(list.size());
        break;
      }
    }
    return value;
  }

  std::unique_ptr<Storage> storage_;
  podium_config config_{};
};

/// The config of an instance as the host would make it from `given`; see TestConfig.
inline TestConfig make_config(std::span<const podium_option> table = {},
                              const std::map<std::string, std::string>& given = {},
                              std::string name = "test") {
  return TestConfig(table, given, std::move(name));
}

}  // namespace podium::sdk::testing
