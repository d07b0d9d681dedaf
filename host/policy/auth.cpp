#include "policy/auth.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/write_whole.hpp"

namespace podium {
namespace {

constexpr off_t kMaxKeysFile = 4 << 20;

std::string reason(int error) { return std::system_category().message(error); }

std::string read_keys_file(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) {
    const int error = errno;
    throw Failure(error == ENOENT ? Code::kNotFound : Code::kUnavailable,
                  file.string() + ": cannot be opened: " + reason(error));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > kMaxKeysFile) {
    throw Failure(Code::kInvalidArgument,
                  file.string() + ": expected a regular file of at most 4 MiB");
  }
  std::string text;
  char buffer[8192];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure(Code::kUnavailable, file.string() + ": " + reason(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

/// The digits in lower case, or nothing when `text` is no SHA-256.
std::optional<std::string> digest_of(const Json* value) {
  if (!value || !value->is_string() || value->string().size() != 64) return std::nullopt;
  std::string digits = value->string();
  for (char& c : digits) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
  }
  return digits;
}

/// To the disk.
void write_down(int fd, std::string_view text, const std::filesystem::path& file) {
  int error = write_whole(fd, text);
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  if (error == 0) return;
  throw Failure(Code::kUnavailable, file.string() + ": cannot be written: " + reason(error));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// A header or field that is there but blank says nothing.
std::optional<std::string_view> said(const std::optional<std::string>& value) {
  if (!value || trimmed(*value).empty()) return std::nullopt;
  return trimmed(*value);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

struct Bearer {
  std::string_view key;
  bool token = false;
};

/// The key in "Bearer KEY" or "ApiKey KEY", the token in "Bearer TOKEN".
Bearer read_authorization(std::string_view header) {
  const std::size_t space = header.find(' ');
  const std::string_view scheme = header.substr(0, space);
  const bool bearer = equal_ignoring_case(scheme, "Bearer");
  if (!bearer && !equal_ignoring_case(scheme, "ApiKey")) {
    throw Failure(Code::kUnauthenticated,
                  "Authorization: expected the scheme Bearer or ApiKey followed by an API key");
  }
  const std::string_view key =
      space == header.npos ? std::string_view() : trimmed(header.substr(space));
  if (key.empty()) {
    throw Failure(Code::kUnauthenticated, "Authorization: expected an API key after the scheme");
  }
  return {key, bearer && looks_like_token(key)};
}

/// Tenants and subjects are anybody's words: no two of them may become one principal.
std::string escaped(std::string_view name) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/' || c == '%' || c == ':') {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

Principal token_principal(const TokenClaims& claims, const QuotaConfig& quota) {
  const std::string tenant = "token:" + escaped(claims.tenant);
  return {tenant + "/" + escaped(claims.subject), tenant, quota};
}

Principal entry_principal(const KeyConfig* known, const QuotaConfig& quota) {
  if (known->disabled) throw Failure(Code::kUnauthenticated, "the API key is disabled");
  return {known->id, known->tenant, known->quota.value_or(quota)};
}

Principal key_principal(const KeyRing& keys, std::string_view key, const QuotaConfig& quota) {
  const KeyConfig* known = keys.find(key);
  if (known == nullptr) throw Failure(Code::kUnauthenticated, "the API key is not known here");
  return entry_principal(known, quota);
}

Principal trusted_principal(const KeyRing& keys, const std::string& as, const QuotaConfig& quota) {
  if (const KeyConfig* known = keys.entry(as)) return entry_principal(known, quota);
  return {as, "", quota};
}

/// X-API-Key or Authorization, never both; nothing when neither says anything.
std::optional<Bearer> header_credential(const Credentials& given) {
  const auto header = said(given.api_key_header);
  const auto authorization = said(given.authorization);
  if (header && authorization) {
    throw Failure(Code::kMalformed,
                  "both X-API-Key and Authorization were sent; expected one of them");
  }
  if (header) return Bearer{*header, false};
  if (authorization) return read_authorization(*authorization);
  return std::nullopt;
}

}  // namespace

KeyRing KeyRing::load(const std::filesystem::path& file) {
  const std::string text = read_keys_file(file);
  Json document;
  try {
    document = json_parse(text, {.unique_keys = true});
  } catch (const Failure& failure) {
    throw failure.within(file.string());
  }
  const auto refuse = [&](const std::string& what) {
    throw Failure(Code::kInvalidArgument, file.string() + ": " + what);
  };
  const Json* keys = document.find("keys");
  if (!keys || !keys->is_array()) refuse("/keys: expected an array of {\"id\", \"sha256\"}");

  std::vector<KeyConfig> read;
  std::set<std::string> ids;
  for (const Json& entry : keys->items()) {
    const std::string where = "/keys/" + std::to_string(read.size());
    const Json* id = entry.find("id");
    if (!id || !id->is_string() || id->string().empty()) {
      refuse(where + "/id: expected a name for the key");
    }
    if (!ids.insert(id->string()).second) {
      refuse(where + "/id: \"" + id->string() + "\" is there twice; expected a name of its own");
    }
    const auto digest = digest_of(entry.find("sha256"));
    if (!digest) refuse(where + "/sha256: expected the 64 hexadecimal digits of the key's SHA-256");
    read.push_back({id->string(), *digest});
    read.back().in_file = true;
  }
  return KeyRing(std::move(read));
}

std::string KeyRing::create(const std::filesystem::path& file, const std::string& id) {
  std::string key = new_api_key();
  Json entry = Json::object({{"id", id}, {"sha256", sha256_hex(key)}});
  Json document = Json::object({{"keys", Json(Json::Array{std::move(entry)})}});

  // Written aside and linked, so that a crash leaves no half file and an existing one is kept.
  const std::filesystem::path aside = file.string() + "." + new_id();
  UniqueFd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    throw Failure(Code::kUnavailable, aside.string() + ": cannot be made: " + reason(errno));
  }
  struct Removal {
    const std::filesystem::path& path;
    ~Removal() { ::unlink(path.c_str()); }
  } removal{aside};
  write_down(fd.get(), json_dump_pretty(document) + "\n", aside);
  if (::link(aside.c_str(), file.c_str()) != 0) {
    const int error = errno;
    throw Failure(error == EEXIST ? Code::kConflict : Code::kUnavailable,
                  file.string() + ": cannot be made: " + reason(error));
  }
  return key;
}

const KeyConfig* KeyRing::find(std::string_view key) const {
  const std::string digest = sha256_hex(key);
  const KeyConfig* match = nullptr;
  for (const KeyConfig& known : keys_) {
    if (equal_constant_time(known.sha256, digest)) match = &known;  // no early end: constant time
  }
  return match;
}

const KeyConfig* KeyRing::entry(std::string_view id) const noexcept {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const KeyConfig& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

KeyRing KeyRing::merged(std::vector<KeyConfig> of_file, const std::vector<KeyConfig>& managed) {
  std::vector<KeyConfig> all = std::move(of_file);
  const std::size_t files = all.size();
  for (const KeyConfig& key : managed) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(files);
    const auto own =
        std::find_if(all.begin(), end, [&](const KeyConfig& known) { return known.id == key.id; });
    if (own != end) {
      const std::string digest = own->sha256;
      *own = key;
      own->sha256 = digest;
      own->in_file = true;
    } else if (!key.sha256.empty()) {  // without: settings of a key that has left the file
      all.push_back(key);
    }
  }
  return KeyRing(std::move(all));
}

bool KeyRing::is_admin(std::string_view key) const {
  return has_admin() && equal_constant_time(admin_sha256_, sha256_hex(key));
}

bool is_key_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Principal authenticate(const AuthConfig& config, const Verifiers& against, const Credentials& given,
                       const QuotaConfig& quota, EpochMs now) {
  if (config.mode == AuthConfig::Mode::kNone) return {"anonymous", "", quota};

  const auto credential = header_credential(given);
  if (credential && credential->token) {
    if (against.tokens == nullptr) {
      throw Failure(Code::kUnauthenticated,
                    "Authorization: signed tokens are not accepted here; expected an API key");
    }
    return token_principal(against.tokens->verify(credential->key, config.tokens, now), quota);
  }
  if (credential) return key_principal(against.keys, credential->key, quota);
  if (const auto body = said(given.body_key)) return key_principal(against.keys, *body, quota);
  if (given.trusted_peer) return trusted_principal(against.keys, config.trusted_as, quota);
  throw Failure(Code::kUnauthenticated,
                "an API key is required: expected X-API-Key or Authorization: Bearer");
}

void authenticate_admin(const KeyRing& keys, const Credentials& given) {
  if (!keys.has_admin()) {
    throw Failure(Code::kUnavailable,
                  "administration is off: no /auth/admin_key is configured here");
  }
  const auto credential = header_credential(given);
  if (!credential) {
    throw Failure(Code::kUnauthenticated,
                  "the administrator's key is required: X-API-Key or Authorization: Bearer");
  }
  if (!keys.is_admin(credential->key)) {
    throw Failure(Code::kForbidden, "this is not the administrator's key");
  }
}

}  // namespace podium
