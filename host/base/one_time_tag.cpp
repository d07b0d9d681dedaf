#include "base/one_time_tag.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/sha256.hpp"

namespace podium {
namespace {

/// A key is used for one content: there is no second one that needs another nonce.
constexpr std::size_t kNonceSize = 12;

/// Looked up once, as SHA-256 is.
EVP_MAC* gmac() {
  static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "GMAC", nullptr);
  return fetched;
}

void require(bool done, const char* doing) {
  if (!done) throw Failure(Code::kInternal, std::string("AES-256-GMAC: OpenSSL cannot ") + doing);
}

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

struct OneTimeTag::State {
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(gmac());
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MAC_CTX_free(context); }
};

OneTimeTag::OneTimeTag() {
  require(RAND_priv_bytes(key_.data(), static_cast<int>(key_.size())) == 1, "make a key");
  begin();
}

OneTimeTag::OneTimeTag(std::string_view recorded) {
  bool sound = recorded.size() == 2 * (kKeySize + kTagSize);
  for (std::size_t i = 0; sound && i < kKeySize; ++i) {
    const int high = digit(recorded[2 * i]), low = digit(recorded[2 * i + 1]);
    sound = high >= 0 && low >= 0;
    key_[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
  }
  if (!sound) {
    throw Failure(Code::kInternal,
                  "the record of a content holds a tag that is none, expected 96 "
                  "hexadecimal digits: is the database damaged?");
  }
  begin();
}

OneTimeTag::~OneTimeTag() = default;
OneTimeTag::OneTimeTag(OneTimeTag&&) noexcept = default;
OneTimeTag& OneTimeTag::operator=(OneTimeTag&&) noexcept = default;

void OneTimeTag::begin() {
  state_ = std::make_unique<State>();
  std::string cipher = "AES-256-GCM";
  std::array<unsigned char, kNonceSize> nonce{};
  const std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), cipher.size()),
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce.data(), nonce.size()),
      OSSL_PARAM_construct_end()};
  require(state_->context != nullptr &&
              EVP_MAC_init(state_->context, key_.data(), key_.size(), parameters.data()) == 1,
          "begin a tag");
}

void OneTimeTag::update(std::string_view bytes) {
  require(state_ != nullptr &&
              EVP_MAC_update(state_->context, reinterpret_cast<const unsigned char*>(bytes.data()),
                             bytes.size()) == 1,
          "go on with a tag that is used up");
}

std::string OneTimeTag::text() {
  std::array<unsigned char, kTagSize> tag{};
  std::size_t size = 0;
  require(state_ != nullptr && EVP_MAC_final(state_->context, tag.data(), &size, tag.size()) == 1 &&
              size == tag.size(),
          "end a tag that is used up");
  state_.reset();
  return to_hex(key_) + to_hex(tag);
}

bool OneTimeTag::matches(std::string_view recorded) {
  return equal_constant_time(text(), recorded);
}

}  // namespace podium
