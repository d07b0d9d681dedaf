#pragma once
/// Option tables and the values of an instance's options.

#include <podium/sdk/values.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace podium::sdk {

/// Rows of a table. `default_value` nullptr: the option is required. Bounds are inclusive and in
/// the notation of the config file, nullptr: none. `doc` is one sentence.
constexpr podium_option option(podium_option_type type, const char* name, const char* default_value,
                               const char* doc, const char* min = nullptr,
                               const char* max = nullptr) noexcept {
  return {
      sizeof(podium_option), static_cast<std::uint32_t>(type), name, default_value, min, max, doc};
}
constexpr podium_option option_string(const char* name, const char* default_value,
                                      const char* doc) noexcept {
  return option(PODIUM_STRING, name, default_value, doc);
}
constexpr podium_option option_integer(const char* name, const char* default_value, const char* doc,
                                       const char* min = nullptr,
                                       const char* max = nullptr) noexcept {
  return option(PODIUM_INTEGER, name, default_value, doc, min, max);
}
constexpr podium_option option_number(const char* name, const char* default_value, const char* doc,
                                      const char* min = nullptr,
                                      const char* max = nullptr) noexcept {
  return option(PODIUM_NUMBER, name, default_value, doc, min, max);
}
constexpr podium_option option_boolean(const char* name, const char* default_value,
                                       const char* doc) noexcept {
  return option(PODIUM_BOOLEAN, name, default_value, doc);
}
/// "1500ms", "2s", "5m", "1h", "7d".
constexpr podium_option option_duration(const char* name, const char* default_value,
                                        const char* doc, const char* min = nullptr,
                                        const char* max = nullptr) noexcept {
  return option(PODIUM_DURATION, name, default_value, doc, min, max);
}
/// "64KiB", "512MiB", "1GB".
constexpr podium_option option_size(const char* name, const char* default_value, const char* doc,
                                    const char* min = nullptr, const char* max = nullptr) noexcept {
  return option(PODIUM_SIZE, name, default_value, doc, min, max);
}
/// `default_value` is a JSON array of strings: "[]", "[\"a\"]".
constexpr podium_option option_list(const char* name, const char* default_value,
                                    const char* doc) noexcept {
  return option(PODIUM_STRING_LIST, name, default_value, doc);
}
/// {"file": PATH} or {"env": NAME} in the config; always required when it has no default.
constexpr podium_option option_secret(const char* name, const char* default_value,
                                      const char* doc) noexcept {
  return option(PODIUM_SECRET, name, default_value, doc);
}

/// The validated options of one instance, by name. Borrowed: valid during the constructor or
/// check() only. A name that is not in the table, or a getter of another type than the table's, is
/// a mistake in the plugin and throws std::logic_error.
class Options {
 public:
  explicit Options(const podium_config* config) noexcept : config_(config) {}

  /// The instance's name in the config file.
  std::string_view name() const noexcept { return view(config_->name); }
  /// All options as one canonical JSON object, secrets left out.
  std::string_view json() const noexcept { return view(config_->json); }

  std::string string(std::string_view option) const {
    return std::string(view(find(option, PODIUM_STRING).text));
  }
  std::string secret(std::string_view option) const {
    return std::string(view(find(option, PODIUM_SECRET).text));
  }
  std::int64_t integer(std::string_view option) const {
    return find(option, PODIUM_INTEGER).integer;
  }
  double number(std::string_view option) const { return find(option, PODIUM_NUMBER).number; }
  bool boolean(std::string_view option) const { return find(option, PODIUM_BOOLEAN).integer != 0; }
  std::chrono::milliseconds duration(std::string_view option) const {
    return std::chrono::milliseconds(find(option, PODIUM_DURATION).integer);
  }
  /// Bytes.
  std::uint64_t size(std::string_view option) const {
    return static_cast<std::uint64_t>(find(option, PODIUM_SIZE).integer);
  }
  std::vector<std::string> list(std::string_view option) const {
    const podium_value& value = find(option, PODIUM_STRING_LIST);
    std::vector<std::string> out;
    out.reserve(value.list_count);
    for (std::uint32_t i = 0; i < value.list_count; ++i) out.emplace_back(view(value.list[i]));
    return out;
  }

  const podium_config* raw() const noexcept { return config_; }

 private:
  const podium_value& find(std::string_view option, podium_option_type type) const {
    for (std::uint32_t i = 0; i < config_->count; ++i) {
      const podium_value& value = detail::element(config_->values, i);
      if (option != value.name) continue;
      if (value.type != static_cast<std::uint32_t>(type)) {
        throw std::logic_error("option '" + std::string(option) +
                               "' is read as another type than its table says");
      }
      return value;
    }
    throw std::logic_error("option '" + std::string(option) + "' is not in the option table");
  }

  const podium_config* config_;
};

}  // namespace podium::sdk
