#include "policy/token.hpp"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <system_error>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"

namespace podium {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxToken = 8 * 1024;
constexpr std::size_t kMaxKeyFile = 1u << 20;
constexpr std::size_t kMaxName = 256;  // of a subject, a tenant, a key
constexpr int kMinRsaBits = 2048;

template <auto function>
struct Frees {
  template <class T>
  void operator()(T* object) const noexcept {
    function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Frees<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Frees<BN_free>>;

Failure refused(const std::string& why) {
  return Failure(Code::kUnauthenticated, "the token is not accepted: " + why);
}

/// base64url without padding (RFC 7515, 2); nothing for anything else.
std::optional<std::string> decode(std::string_view text) {
  const auto value_of = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
  };
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  unsigned held = 0, bits = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    held = (held << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xFF);
  }
  if ((held & ((1u << bits) - 1)) != 0) return std::nullopt;  // one spelling of each content
  return bytes;
}

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string text_of(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

std::string read_file(const fs::path& file) {
  const auto refuse = [&](const std::string& why) {
    return Failure(Code::kUnavailable, file.native() + ": " + why);
  };
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) throw refuse(std::system_category().message(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) throw refuse("is no regular file");
  std::string text(kMaxKeyFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw refuse(std::system_category().message(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxKeyFile) throw refuse("is larger than 1 MiB");
  text.resize(size);
  return text;
}

Key ed25519_key(const std::string& bytes) {
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(bytes), bytes.size()));
}

Key rsa_key(const std::string& modulus, const std::string& exponent) {
  const std::unique_ptr<OSSL_PARAM_BLD, Frees<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  const Number n(BN_bin2bn(data_of(modulus), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(data_of(exponent), static_cast<int>(exponent.size()), nullptr));
  if (!builder || !n || !e ||
      !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) ||
      !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get())) {
    return nullptr;
  }
  const std::unique_ptr<OSSL_PARAM, Frees<OSSL_PARAM_free>> parameters(
      OSSL_PARAM_BLD_to_param(builder.get()));
  const std::unique_ptr<EVP_PKEY_CTX, Frees<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0) {
    return nullptr;
  }
  return Key(made);
}

/// "EdDSA" or "RS256" by the key's type; nothing for keys that are not taken.
const char* algorithm_of(EVP_PKEY* key) noexcept {
  if (EVP_PKEY_is_a(key, "ED25519")) return "EdDSA";
  if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= kMinRsaBits) return "RS256";
  return nullptr;
}

bool signature_holds(EVP_PKEY* key, std::string_view signed_text, const std::string& signature) {
  const std::unique_ptr<EVP_MD_CTX, Frees<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const EVP_MD* digest = EVP_PKEY_is_a(key, "RSA") ? EVP_sha256() : nullptr;
  return context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(signed_text),
                          signed_text.size()) == 1;
}

Json read_part(std::string_view part, const char* what) {
  const auto text = decode(part);
  if (!text) throw refused(std::string(what) + " is no base64url");
  JsonRules rules;
  rules.max_depth = 8;
  rules.unique_keys = true;
  try {
    Json value = json_parse(*text, rules);
    if (value.is_object()) return value;
  } catch (const Failure&) {
    // Told below: what stands in there is the sender's and comes into no message.
  }
  throw refused(std::string(what) + " is no JSON object");
}

/// A time of the claims, in milliseconds.
EpochMs time_of(const Json& claims, const char* name) {
  const Json* value = claims.find(name);
  constexpr double kMost = 1e11;  // seconds: some thousand years
  if (value == nullptr || !value->is_number() || !(value->number() >= 0) ||
      !(value->number() < kMost)) {
    throw refused(std::string(name) + " must be a time in seconds");
  }
  return static_cast<EpochMs>(value->number() * 1000);
}

bool is_for(const Json& claims, const std::string& audience) {
  const Json* value = claims.find("aud");
  if (value == nullptr) return false;
  if (value->is_string()) return value->string() == audience;
  if (!value->is_array()) return false;
  return std::any_of(value->items().begin(), value->items().end(), [&](const Json& item) {
    return item.is_string() && item.string() == audience;
  });
}

std::string name_of(const Json& claims, const char* claim, bool required) {
  const Json* value = claims.find(claim);
  if (value == nullptr || value->is_null()) {
    if (required) throw refused(std::string(claim) + " is missing");
    return {};
  }
  if (!value->is_string() || (required && value->string().empty()) ||
      value->string().size() > kMaxName ||
      std::any_of(value->string().begin(), value->string().end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    throw refused(std::string(claim) + " must be a name of at most 256 characters");
  }
  return value->string();
}

void check_times(const Json& claims, const TokenConfig& config, EpochMs now) {
  const EpochMs issued = time_of(claims, "iat"), expires = time_of(claims, "exp");
  const EpochMs skew = config.skew.count();
  if (expires - issued > config.max_lifetime.count() || expires < issued) {
    throw refused("it is valid for longer than " +
                  std::to_string(config.max_lifetime.count() / 1000) + " s");
  }
  if (issued > now + skew) throw refused("it was issued in the future; compare the clocks");
  if (expires + skew <= now) throw refused("it has expired");
  if (claims.find("nbf") != nullptr && time_of(claims, "nbf") > now + skew) {
    throw refused("it is not valid yet");
  }
}

}  // namespace

struct TokenKeys::Keys {
  std::map<std::string, Key> by_id;

  void add(std::string id, Key key, const std::string& where) {
    if (!key || algorithm_of(key.get()) == nullptr) {
      throw Failure(Code::kInvalidArgument,
                    where + ": expected a public key: Ed25519, or RSA of at least 2048 bits");
    }
    if (id.empty() || id.size() > kMaxName) {
      throw Failure(Code::kInvalidArgument, where + ": expected a kid of 1 to 256 characters");
    }
    if (!by_id.emplace(id, std::move(key)).second) {
      throw Failure(Code::kInvalidArgument, where + ": the kid \"" + id + "\" is there twice");
    }
  }

  void add_jwks(const fs::path& file) {
    Json set;
    try {
      set = json_parse(read_file(file));
    } catch (const Failure& failure) {
      throw failure.within(file.native());
    }
    const Json* list = set.find("keys");
    if (list == nullptr || !list->is_array()) {
      throw Failure(Code::kInvalidArgument, file.native() + ": /keys: expected an array (a JWKS)");
    }
    std::size_t n = 0;
    for (const Json& entry : list->items()) {
      const std::string where = file.native() + ": /keys/" + std::to_string(n++);
      const std::string use = text_of(entry, "use");
      if (!use.empty() && use != "sig") continue;
      Key key;
      if (text_of(entry, "kty") == "OKP" && text_of(entry, "crv") == "Ed25519") {
        key = ed25519_key(decode(text_of(entry, "x")).value_or(""));
      } else if (text_of(entry, "kty") == "RSA") {
        key = rsa_key(decode(text_of(entry, "n")).value_or(""),
                      decode(text_of(entry, "e")).value_or(""));
      }
      add(text_of(entry, "kid"), std::move(key), where);
    }
  }

  void add_pem(const fs::path& file) {
    const std::string text = read_file(file);
    const std::unique_ptr<BIO, Frees<BIO_free>> bio(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    add(file.stem().native(),
        Key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr),
        file.native());
  }
};

bool looks_like_token(std::string_view text) noexcept {
  return std::count(text.begin(), text.end(), '.') == 2;
}

TokenKeys::TokenKeys() : keys_(std::make_shared<Keys>()) {}
TokenKeys::~TokenKeys() = default;

TokenKeys TokenKeys::load(const fs::path& path) {
  auto keys = std::make_shared<Keys>();
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (const auto& entry : fs::directory_iterator(path, error)) {
      if (entry.path().extension() == ".pem") keys->add_pem(entry.path());
    }
    if (error) throw Failure(Code::kUnavailable, path.native() + ": " + error.message());
  } else {
    keys->add_jwks(path);
  }
  if (keys->by_id.empty()) {
    throw Failure(Code::kInvalidArgument,
                  path.native() + ": holds no key; expected a JWKS file or a folder of KID.pem");
  }
  TokenKeys made;
  made.keys_ = std::move(keys);
  return made;
}

std::string TokenKeys::fingerprint(const fs::path& path) {
  std::vector<std::string> lines;
  const auto note = [&](const fs::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return;
    lines.push_back(file.native() + " " + std::to_string(info.st_size) + " " +
                    std::to_string(info.st_ino) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
                    std::to_string(info.st_mtim.tv_nsec));
  };
  std::error_code error;
  note(path);
  if (fs::is_directory(path, error)) {
    for (const auto& entry : fs::directory_iterator(path, error)) note(entry.path());
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

TokenClaims TokenKeys::verify(std::string_view token, const TokenConfig& config,
                              EpochMs now) const {
  if (token.size() > kMaxToken) throw refused("it is longer than 8 KiB");
  const std::size_t first = token.find('.'), second = token.rfind('.');
  if (!looks_like_token(token)) throw refused("expected three parts with dots between them");
  const Json head = read_part(token.substr(0, first), "its head");
  if (head.find("crit") != nullptr) throw refused("it has critical extensions");
  const auto found = keys_->by_id.find(text_of(head, "kid"));
  if (found == keys_->by_id.end()) throw refused("its kid names no key here");
  EVP_PKEY* key = found->second.get();
  if (text_of(head, "alg") != algorithm_of(key)) {
    throw refused(std::string("its alg must be ") + algorithm_of(key) + ", as its kid's");
  }
  const auto signature = decode(token.substr(second + 1));
  if (!signature || !signature_holds(key, token.substr(0, second), *signature)) {
    throw refused("its signature does not hold");
  }
  const Json claims = read_part(token.substr(first + 1, second - first - 1), "its body");
  if (text_of(claims, "iss") != config.issuer) throw refused("iss must be " + config.issuer);
  if (!is_for(claims, config.audience)) throw refused("aud must be " + config.audience);
  check_times(claims, config, now);
  return {name_of(claims, "sub", true), name_of(claims, "tenant_id", false)};
}

std::size_t TokenKeys::size() const noexcept { return keys_->by_id.size(); }

}  // namespace podium
