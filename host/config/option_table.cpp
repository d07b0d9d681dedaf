#include "config/option_table.hpp"

#include <array>

namespace podium {

const char* to_string(OptionType type) noexcept {
  switch (type) {
    case OptionType::kText:
      return "text";
    case OptionType::kTexts:
      return "list of texts";
    case OptionType::kTextMap:
      return "table of texts";
    case OptionType::kFlag:
      return "true or false";
    case OptionType::kCount:
      return "whole number";
    case OptionType::kCores:
      return "number of cores";
    case OptionType::kFactor:
      return "factor";
    case OptionType::kDuration:
      return "duration with a unit";
    case OptionType::kSize:
      return "size with a unit";
    case OptionType::kChoice:
      return "choice";
    case OptionType::kReference:
      return "secret by reference: {\"file\": PATH} or {\"env\": NAME}";
    case OptionType::kPluginOptions:
      return "options of the plugin";
  }
  return "text";
}

std::string table_key(std::string_view key) {
  constexpr std::array<std::string_view, 3> kNamed{"/plugins/", "/languages/", "/routes/"};
  for (const std::string_view section : kNamed) {
    if (!key.starts_with(section)) continue;
    const std::size_t end = key.find('/', section.size());
    std::string out(section);
    out += '*';
    if (end != key.npos) out += key.substr(end);
    return out;
  }
  return std::string(key);
}

}  // namespace podium
