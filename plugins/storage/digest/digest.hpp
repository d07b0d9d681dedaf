#pragma once
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace podium::digest {

/// SHA-256 (FIPS 180-4) of a stream, by OpenSSL. One thread.
class Digest {
 public:
  Digest();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits; the object is used up.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// SHA-256 of one piece, as hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA-256 (RFC 2104): 32 raw bytes. Poco 1.11's HMACEngine does not take its SHA2Engine.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

std::string to_hex(std::string_view raw);

}  // namespace podium::digest
