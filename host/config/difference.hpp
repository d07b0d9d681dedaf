#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace podium {

/// One value that two configurations do not share.
struct ConfigChange {
  std::string key;               ///< JSON pointer; an entry that only one has is told as a whole
  std::optional<Json> from, to;  ///< nothing: it is not there
  bool needs_restart = false;    ///< a reload does not take it over
};

/// What is different between two whole documents, in the order of the first.
std::vector<ConfigChange> config_changes(const Json& from, const Json& to);

/// Whether a reload leaves the value at that pointer as it was at the start.
bool needs_restart(std::string_view key) noexcept;

/// {"key":…,"from":…,"to":…,"needs_restart":…}: for administrators.
Json to_json(const ConfigChange& change);

}  // namespace podium
