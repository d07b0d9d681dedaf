#pragma once
#include <podium/abi.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace podium {

/// The options of one plugin instance after validation, in the form the ABI wants.
///
/// Owns everything that config() points to; movable, the pointers stay valid.
class OptionValues {
 public:
  OptionValues() = default;
  OptionValues(OptionValues&&) noexcept = default;
  OptionValues& operator=(OptionValues&&) noexcept = default;

  /// Borrowed from this object.
  podium_config config() const noexcept;
  /// Canonical JSON without secrets: equal for equal configs, used to share instances at reload.
  const std::string& canonical() const noexcept { return canonical_; }

 private:
  friend OptionValues validate_options(const std::string&, const podium_option_table*, const Json&,
                                       const std::string&);
  std::string name_;
  std::string canonical_;
  std::deque<std::string> strings_;             // stable addresses
  std::deque<std::vector<podium_bytes>> lists_;
  std::vector<podium_value> values_;
};

/// Checks `options` (an object, or null for none) against the plugin's table and fills in
/// defaults. Unknown keys are errors that name the key and the nearest known one; a wrong type, a
/// value out of bounds or a missing required option too. Secrets are resolved here from files or
/// the environment. `where` is the path for messages, e.g. "/plugins/pods/options".
/// Throws Failure(kInvalidArgument).
OptionValues validate_options(const std::string& instance, const podium_option_table* table,
                              const Json& options, const std::string& where);

/// The known key nearest to `key` by edit distance, empty when none is near. For messages.
std::string nearest_key(std::string_view key, const std::vector<std::string>& known);

/// Help for people: one line an option with type, default, bounds and sentence.
std::string describe_options(const podium_option_table* table);

}  // namespace podium
