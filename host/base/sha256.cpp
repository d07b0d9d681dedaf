#include "base/sha256.hpp"

#include <openssl/evp.h>

#include "base/failure.hpp"

namespace podium {
namespace {

/// Looked up once: each use of EVP_sha256() asks the providers anew, which costs more than the
/// digest of a key.
const EVP_MD* method() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, method(), nullptr) != 1) {
    throw Failure(Code::kInternal, "SHA-256: OpenSSL cannot begin a digest");
  }
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  if (!state_ || EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) {
    throw Failure(Code::kInternal, "SHA-256: update of a digest that is used up");
  }
}

Sha256Digest Sha256::digest() {
  Sha256Digest digest;
  if (!state_ || EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) != 1) {
    throw Failure(Code::kInternal, "SHA-256: the digest is used up");
  }
  state_.reset();
  return digest;
}

std::string Sha256::hex() { return to_hex(digest()); }

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

}  // namespace podium
