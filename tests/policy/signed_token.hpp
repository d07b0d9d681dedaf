#pragma once
/// Signs tokens as an issuer does, with keys made on the spot.

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace podium::test {

inline std::string base64url(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned held = 0, bits = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += kDigits[held >> (bits - 6) & 63];
  }
  if (bits > 0) out += kDigits[held << (6 - bits) & 63];
  return out;
}

class Issuer {
 public:
  explicit Issuer(const std::string& type, int bits = 2048)
      : key_(type == "RSA"
                 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits))
                 : EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str())) {
    if (!key_) throw std::runtime_error("no key was made");
  }

  std::string public_pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PUBKEY(bio.get(), key_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  /// Its entry of a JWKS.
  Json jwk(const std::string& kid) const {
    if (EVP_PKEY_is_a(key_.get(), "RSA")) {
      return Json::object({{"kty", "RSA"},
                           {"kid", kid},
                           {"use", "sig"},
                           {"n", base64url(number(OSSL_PKEY_PARAM_RSA_N))},
                           {"e", base64url(number(OSSL_PKEY_PARAM_RSA_E))}});
    }
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
    return Json::object({{"kty", "OKP"}, {"crv", "Ed25519"}, {"kid", kid}, {"x", base64url(raw)}});
  }

  std::string sign(const Json& head, const Json& claims) const {
    const std::string text = base64url(json_dump(head)) + "." + base64url(json_dump(claims));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    const EVP_MD* digest = EVP_PKEY_is_a(key_.get(), "RSA") ? EVP_sha256() : nullptr;
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get());
    EVP_DigestSign(context.get(), nullptr, &size, data, text.size());
    std::string signature(size, '\0');
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                   text.size());
    signature.resize(size);
    return text + "." + base64url(signature);
  }

  std::string algorithm() const { return EVP_PKEY_is_a(key_.get(), "RSA") ? "RS256" : "EdDSA"; }

 private:
  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(value);
    return bytes;
  }

  struct Free {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
};

/// Claims that are good at `now_seconds`.
inline Json good_claims(long now_seconds) {
  return Json::object({{"iss", "librechat"},
                       {"aud", "codeapi"},
                       {"sub", "user-1"},
                       {"tenant_id", "acme"},
                       {"iat", now_seconds},
                       {"exp", now_seconds + 300}});
}

}  // namespace podium::test
