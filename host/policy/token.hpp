#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"

namespace podium {

/// Whether a bearer credential is meant to be a signed token: it has exactly two dots.
bool looks_like_token(std::string_view text) noexcept;

/// What a token that was found good says of its bearer.
struct TokenClaims {
  std::string subject;
  std::string tenant;  ///< tenant_id; may be empty
};

/// Public keys that verify tokens (JWT, RFC 7519; JWS compact form, RFC 7515). Immutable; any
/// thread.
class TokenKeys {
 public:
  TokenKeys();
  ~TokenKeys();

  /// Reads a JWKS file (RFC 7517: OKP Ed25519 and RSA of at least 2048 bits), or a folder in which
  /// each KID.pem holds one such public key. Throws Failure that names the file; a set without
  /// keys is an error too.
  static TokenKeys load(const std::filesystem::path& path);

  /// Changes when a file of `path` does: names, sizes, times, inodes. "" when it cannot be read.
  static std::string fingerprint(const std::filesystem::path& path);

  /// Checks signature and claims. Throws Failure(kUnauthenticated) that says which check failed.
  /// Only EdDSA and RS256, and only the one that fits the key of the token's kid.
  TokenClaims verify(std::string_view token, const TokenConfig& config, EpochMs now) const;

  std::size_t size() const noexcept;

 private:
  struct Keys;
  std::shared_ptr<const Keys> keys_;
};

}  // namespace podium
