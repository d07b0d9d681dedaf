#include "digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <podium/sdk/values.hpp>

#include <array>

namespace podium::digest {

namespace {

void require(bool done) {
  if (!done) throw sdk::Error(PODIUM_INTERNAL, "OpenSSL could not compute SHA-256");
}

const unsigned char* raw_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Digest::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw;
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_.get(), raw.data(), &size) == 1);
  return to_hex({reinterpret_cast<const char*>(raw.data()), size});
}

std::string sha256_hex(std::string_view bytes) {
  Digest digest;
  digest.update(bytes);
  return digest.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw;
  unsigned size = 0;
  require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw_bytes(bytes),
               bytes.size(), raw.data(), &size) != nullptr);
  return {reinterpret_cast<const char*>(raw.data()), size};
}

std::string to_hex(std::string_view raw) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace podium::digest
