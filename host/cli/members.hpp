#pragma once
/// Members of the daemon's answers, as they are printed.

#include <string>

#include "base/json.hpp"

namespace podium::cli {

/// The text under `key`; empty when there is none or it is no text.
inline std::string text_member(const Json& object, const char* key) {
  const Json* value = object.find(key);
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

/// What stands under `key`, text or not; "-" when there is none or it is null.
inline std::string shown_member(const Json& object, const char* key) {
  const Json* value = object.find(key);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? value->string() : json_dump(*value);
}

}  // namespace podium::cli
