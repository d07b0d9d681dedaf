#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace podium {

/// Who is asking. Sessions and files belong to a principal.
struct Principal {
  std::string id;
  /// Principals of one tenant share the files of its agents and skills; empty: with nobody.
  std::string tenant = {};
};

/// What a request brought to say who it is, as the headers and the body gave it.
struct Credentials {
  std::optional<std::string> api_key_header;  ///< X-API-Key
  std::optional<std::string> authorization;   ///< Authorization, whole
  std::optional<std::string> body_key;        ///< apiKey, api_key or LIBRECHAT_CODE_API_KEY
};

/// The keys that are valid, by their SHA-256. Immutable.
class KeyRing {
 public:
  KeyRing() = default;
  explicit KeyRing(std::vector<KeyConfig> keys) : keys_(std::move(keys)) {}

  /// Reads {"keys":[{"id":…,"sha256":…}]}; throws Failure that names file and member.
  static KeyRing load(const std::filesystem::path& file);

  /// Makes `file` (mode 0600) with one new key named `id` and returns the key itself, which is
  /// stored nowhere by this function.
  static std::string create(const std::filesystem::path& file, const std::string& id);

  /// The key's id; compares with every key in constant time.
  std::optional<std::string> find(std::string_view key) const;
  bool empty() const noexcept { return keys_.empty(); }

 private:
  std::vector<KeyConfig> keys_;
};

/// Says who is asking, or throws Failure: kUnauthenticated for a missing or wrong key,
/// kMalformed when the headers bring more than one kind. Header, then Bearer or ApiKey, then body.
/// In no-key mode everybody is the principal "anonymous".
Principal authenticate(const AuthConfig& config, const KeyRing& keys, const Credentials& given);

}  // namespace podium
