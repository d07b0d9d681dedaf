#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "config/option_table.hpp"

namespace podium {

/// "/path: why" as a Failure(kInvalidArgument); the caller that knows the file puts it in front.
Failure config_failure(const std::string& path, const std::string& why);

/// "unknown key "x": did you mean "y"?", or the known keys when none is near.
std::string unknown_key(std::string_view key, const std::vector<std::string>& known);

/// `key` behind `path` as a JSON pointer (RFC 6901) for messages.
std::string path_of(const std::string& path, std::string_view key);

/// `value` as a string without NUL.
const std::string& require_string(const Json& value, const std::string& path);

/// The members of `value`, which must be an object.
const Json::Object& require_object(const Json& value, const std::string& path);

/// Inclusive bounds of an option.
template <class T>
struct Bounds {
  T min, max;
};

/// Reads one object of the config, member by member, and afterwards refuses what nobody read.
///
/// Each reader leaves `out` alone when the member is absent, throws Failure(kInvalidArgument) that
/// names the member's path, what was found and what was expected.
class Section {
 public:
  /// `value` must be an object and outlive the Section. What is asked for is recorded in `table`
  /// when there is one.
  Section(const Json& value, std::string path, OptionTable* table = nullptr);

  /// A member of this one that is a section too.
  Section section(const Json& value, std::string_view key) const;
  OptionTable* table() const noexcept { return table_; }
  /// Records what is read by other means than the functions below.
  void record(std::string_view key, OptionType type);

  const std::string& path() const noexcept { return path_; }
  std::string path_of(std::string_view key) const;

  /// The member, nullptr when absent; from now on the key is known.
  const Json* find(std::string_view key);
  /// The member; an absent one is an error.
  const Json& require(std::string_view key);

  void text(std::string_view key, std::string& out);
  /// One of `choices`.
  void choice(std::string_view key, std::string& out, const std::vector<std::string>& choices);
  void texts(std::string_view key, std::vector<std::string>& out);
  void flag(std::string_view key, bool& out);
  void duration(std::string_view key, std::chrono::milliseconds& out,
                Bounds<std::chrono::milliseconds> bounds);
  void size(std::string_view key, std::uint64_t& out, Bounds<std::uint64_t> bounds);
  /// Cores as a decimal number, kept in thousandths.
  void cores(std::string_view key, std::uint32_t& out, Bounds<std::uint32_t> bounds);

  /// A factor above 0 as a decimal number; 1 when absent.
  double factor(std::string_view key, Bounds<double> bounds);

  template <std::unsigned_integral T>
  void count(std::string_view key, T& out, Bounds<T> bounds) {
    out = static_cast<T>(count_between(key, out, bounds.min, bounds.max));
  }

  /// Throws when the object has a member that was never asked for.
  void finish() const;

 private:
  std::uint64_t count_between(std::string_view key, std::uint64_t absent, std::uint64_t min,
                              std::uint64_t max);

  void record(std::string_view key, OptionType type, std::string least, std::string most);

  const Json& value_;
  std::string path_;
  OptionTable* table_;
  std::vector<std::string> known_;
};

}  // namespace podium
