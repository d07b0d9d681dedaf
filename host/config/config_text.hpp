#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// Where a member stands in the text of a config file, and what is said of it there.
struct ConfigPlace {
  std::string key;  ///< JSON pointer
  unsigned line = 1;
  std::string comment;  ///< behind it on its line, else the lines right above it; "" for none
};

/// The members of a text that json_parse takes with comments, in their order.
std::vector<ConfigPlace> config_places(std::string_view text);

/// The one of `key`, nullptr when the text does not have it.
const ConfigPlace* find_place(const std::vector<ConfigPlace>& places, std::string_view key);

}  // namespace podium
