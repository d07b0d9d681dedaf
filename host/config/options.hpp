#pragma once
#include <podium/abi.h>

#include <deque>
#include <filesystem>
#include <memory>
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
  /// Canonical JSON without secrets: equal for equal configs.
  const std::string& canonical() const noexcept { return content_->canonical; }
  /// A digest of canonical() and of the secrets' values: an instance may be shared at reload only
  /// when it is equal, so that a rotated secret takes effect.
  const std::string& fingerprint() const noexcept { return content_->fingerprint; }

 private:
  friend class OptionReader;

  struct Content {
    std::string name;
    std::string canonical = "{}";
    std::string fingerprint;
    std::deque<std::string> strings;  // stable addresses
    std::deque<std::vector<podium_bytes>> lists;
    std::vector<podium_value> values;
  };
  std::unique_ptr<Content> content_ = std::make_unique<Content>();
};

/// Checks `options` (an object, or null for none) against the plugin's table and fills in
/// defaults. Unknown keys are errors that name the key and the nearest known one; a wrong type, a
/// value out of bounds or a missing required option too. Secrets are resolved here from files or
/// the environment; a relative file is below `directory` (the state_dir), refused when that is
/// empty. `where` is the path for messages, e.g. "/plugins/pods/options".
/// Throws Failure(kInvalidArgument), also when the table itself is faulty.
OptionValues validate_options(const std::string& instance, const podium_option_table* table,
                              const Json& options, const std::string& where,
                              const std::filesystem::path& directory = {});

/// The entries of a plugin's table, at the stride that it says. Throws Failure for a broken table.
std::vector<const podium_option*> option_entries(const podium_option_table* table);

/// The known key nearest to `key` by edit distance, empty when none is near. For messages.
std::string nearest_key(std::string_view key, const std::vector<std::string>& known);

/// Help for people: one line an option with type, default, bounds and sentence.
std::string describe_options(const podium_option_table* table);

}  // namespace podium
