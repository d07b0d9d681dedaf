#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "config/config.hpp"
#include "config/config_text.hpp"

namespace podium::cli {

/// A configuration with where its values come from.
struct KnownConfig {
  std::string of;  ///< "the running daemon", or the file
  Json document;
  std::string file;                 ///< empty: none
  std::vector<ConfigPlace> places;  ///< of the file
  std::vector<Override> overrides;
};

/// What is to be said about one key.
struct Explanation {
  std::string key;  ///< "/limits/wall"
  std::string type;
  std::string bounds;
  std::string sentence;
  Json fallback;  ///< the default, when there is one
  bool has_default = false;
  bool needs_restart = false;
  Json value;
  bool has_value = false;
  std::string origin;  ///< "default", "FILE, line 12" or "environment variable NAME"
};

/// "limits.wall" and "/limits/wall" as the latter.
std::string pointer_of(const std::string& key);

/// Explains an option, or for a section every option in it. `folder` holds the plugins, for their
/// options. Throws Failure(kNotFound) that names the nearest key.
std::vector<Explanation> explain(const std::string& pointer, const KnownConfig& config,
                                 const std::filesystem::path& folder);

Json to_json(const Explanation& explanation);
/// A paragraph for people.
std::string to_text(const Explanation& explanation);

}  // namespace podium::cli
