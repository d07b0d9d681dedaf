#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

enum class OptionType : std::uint8_t {
  kText,
  kTexts,    ///< an array of strings
  kTextMap,  ///< an object of strings
  kFlag,
  kCount,         ///< a whole number
  kCores,         ///< processor cores, a decimal number
  kFactor,        ///< a decimal number
  kDuration,      ///< a string, like "30s"
  kSize,          ///< a string, like "64MiB"
  kChoice,        ///< one of some strings
  kReference,     ///< {"file": …} or {"env": …}: where a secret is
  kPluginOptions  ///< an object of what the plugin's own table knows
};

/// "duration" and so on, for people.
const char* to_string(OptionType type) noexcept;

/// One option of the host's own sections.
struct OptionInfo {
  std::string key;  ///< JSON pointer; "*" stands for a name that the operator chooses
  OptionType type = OptionType::kText;
  std::string least, most;  ///< bounds as in the config, without quotes; empty: none
  std::vector<std::string> choices;
};

using OptionTable = std::vector<OptionInfo>;

/// Every option of the host, in the order of config/podium.json. It comes from the readers
/// themselves: what they ask for, by which bounds, is recorded while they read the defaults.
const OptionTable& host_options();

/// "/languages/py/command" as it stands in the table: "/languages/*/command".
std::string table_key(std::string_view key);

}  // namespace podium
