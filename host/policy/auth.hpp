#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "policy/token.hpp"

namespace podium {

/// Who is asking. Sessions and files belong to a principal.
struct Principal {
  std::string id;
  /// Principals of one tenant share the files of its agents and skills; empty: with nobody.
  std::string tenant = {};
  QuotaConfig quota = {};
};

/// What a request brought to say who it is, as the headers and the body gave it.
struct Credentials {
  std::optional<std::string> api_key_header;  ///< X-API-Key
  std::optional<std::string> authorization;   ///< Authorization, whole
  std::optional<std::string> body_key;        ///< apiKey, api_key or LIBRECHAT_CODE_API_KEY
  bool trusted_peer = false;                  ///< comes from a network that needs no key
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

  /// The entry of a key, disabled or not; compares with every key in constant time.
  const KeyConfig* find(std::string_view key) const;
  /// The entry of an id.
  const KeyConfig* entry(std::string_view id) const noexcept;
  const std::vector<KeyConfig>& keys() const noexcept { return keys_; }
  bool empty() const noexcept { return keys_.empty(); }

  /// The keys of the operator's file together with the managed ones, which also hold settings of
  /// keys of the file: those have the same id and no digest of their own.
  static KeyRing merged(std::vector<KeyConfig> of_file, const std::vector<KeyConfig>& managed);

  /// The key of the administrator, by its digest; empty: there is none.
  void set_admin(std::string sha256) { admin_sha256_ = std::move(sha256); }
  bool has_admin() const noexcept { return !admin_sha256_.empty(); }
  const std::string& admin_sha256() const noexcept { return admin_sha256_; }
  bool is_admin(std::string_view key) const;

 private:
  std::vector<KeyConfig> keys_;
  std::string admin_sha256_;
};

/// What credentials are checked against. Both are borrowed.
struct Verifiers {
  Verifiers(const KeyRing& known_keys, const TokenKeys* known_tokens = nullptr)  // NOLINT: implicit
      : keys(known_keys), tokens(known_tokens) {}

  const KeyRing& keys;
  const TokenKeys* tokens;  ///< nullptr: no tokens are taken
};

/// Whether `id` may name a key: 1 to 64 of [A-Za-z0-9._-].
bool is_key_id(std::string_view id) noexcept;

/// Says who is asking, or throws Failure: kUnauthenticated for a missing or wrong key,
/// kMalformed when the headers bring more than one kind. Header, then Bearer or ApiKey, then body.
/// A bearer credential with two dots is a token, its principal made of tenant and subject. In
/// no-key mode everybody is the principal "anonymous"; who brings no key from a trusted network is
/// the one that the configuration names.
/// `quota` is for who has none of his own.
Principal authenticate(const AuthConfig& config, const Verifiers& against, const Credentials& given,
                       const QuotaConfig& quota = {}, EpochMs now = epoch_ms_now());

/// Throws Failure unless the headers bring the administrator's key: kUnauthenticated without one,
/// kForbidden for any other, kUnavailable where no such key is configured.
void authenticate_admin(const KeyRing& keys, const Credentials& given);

}  // namespace podium
