#include "daemon/key_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/ids.hpp"
#include "base/sha256.hpp"

namespace podium {
namespace {

void write_private_line(const std::filesystem::path& file, const std::string& text, int flags) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600));
  const std::string line = text + "\n";
  if (!fd || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(fd.get()) != 0) {
    throw Failure(Code::kUnavailable,
                  "cannot write the key to " + file.string() + ": " + std::strerror(errno));
  }
}

/// The digest of the administrator's key; empty when there is none.
std::string admin_digest(const Config& config, Log& log) {
  if (!config.auth.admin_key_variable.empty()) {
    const char* key = std::getenv(config.auth.admin_key_variable.c_str());
    if (key != nullptr && *key != '\0') return sha256_hex(key);
    throw Failure(Code::kInvalidArgument, "/auth/admin_key: the environment variable " +
                                              config.auth.admin_key_variable + " is not set");
  }
  if (config.auth.admin_key_file.empty()) return {};
  const auto file = config.resolve(config.auth.admin_key_file);
  if (!std::filesystem::exists(file)) {
    write_private_line(file, new_api_key(), O_EXCL);
    log.info("made the administrator's key, for `podium keys`", {{"file", file.string()}});
  }
  std::ifstream in(file);
  std::string key;
  if (!in || !std::getline(in, key) || key.size() < 16) {
    throw Failure(Code::kInvalidArgument,
                  "/auth/admin_key: " + file.string() +
                      ": expected one line, a key of at least 16 characters");
  }
  return sha256_hex(key);
}

KeyRing keys_of_file(const Config& config, Log& log) {
  const auto file = config.resolve(config.auth.keys_file);
  if (!std::filesystem::exists(file)) {
    const std::string key = KeyRing::create(file, "first");
    const auto shown = config.state_dir / "first-key";
    write_private_line(shown, key, O_TRUNC);
    log.info("made the first API key; read it there, then remove that file",
             {{"file", shown.string()}, {"keys", file.string()}});
  }
  return KeyRing::load(file);
}

}  // namespace

KeyRing load_keys(const Config& config, Log& log) {
  KeyRing keys;
  if (config.auth.mode == AuthConfig::Mode::kKeys) keys = keys_of_file(config, log);
  keys.set_admin(admin_digest(config, log));
  return keys;
}

std::filesystem::path token_keys(const Config& config) {
  if (config.auth.tokens.keys.empty()) return {};
  return config.resolve(config.auth.tokens.keys);
}

}  // namespace podium
