#include "daemon/reload.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <cstdlib>
#include <fstream>

#include "base/ids.hpp"
#include "base/sha256.hpp"
#include "daemon/log_names.hpp"
#include "daemon/notify.hpp"

extern char** environ;

namespace podium {
namespace {

constexpr std::chrono::seconds kPreflightLimit{20};

/// The output of a child and its exit status; -1 when it had to be killed.
struct Outcome {
  std::string output;
  int status = -1;
};

Outcome run_child(const std::vector<std::string>& words) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw Failure(Code::kInternal, std::string("pipe: ") + std::strerror(errno));
  }
  UniqueFd reader(pipe[0]), writer(pipe[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw Failure(Code::kInternal, "starting " + words[0] + ": " + std::strerror(error));
  }
  writer.reset();

  Outcome outcome;
  const auto deadline = std::chrono::steady_clock::now() + kPreflightLimit;
  for (bool open = true; open;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd event{reader.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&event, 1, static_cast<int>(left.count())) == 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      throw Failure(Code::kDeadlineExceeded, "the pre-flight did not end within 20 s");
    }
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(reader.get(), buffer.data(), buffer.size());
    open = n > 0 || (n < 0 && errno == EINTR);
    if (n > 0 && outcome.output.size() < 16'384) {
      outcome.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  ::waitpid(pid, &outcome.status, 0);
  return outcome;
}

}  // namespace

Config ConfigSource::load() const {
  Config config = file.empty() ? parse_config(default_config_text(), "built-in defaults")
                               : load_config(file);
  if (config.plugin_dir.empty()) config.plugin_dir = plugin_dir;
  return config;
}

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

bool Reloader::reload() {
  notify_service_manager("RELOADING=1");
  bool ok = false;
  try {
    Config config = source_.load();
    preflight();
    KeyRing keys = load_keys(config, log_);
    const auto before = generation_.get();
    say_what_needs_a_restart(before->config(), config);
    const auto tokens = token_keys(config);
    auto next = reaper_.adopt(builder_.build(std::move(config), before.get()));
    accounts_.tokens.load(tokens);
    const auto& log = next->config().log;
    log_.configure(parse_log_level(log.level), parse_log_format(log.format));
    const auto number = next->number();
    auto old = generation_.exchange(std::move(next));
    accounts_.keys.reload(std::move(keys));
    log_.info("reloaded", {{"generation", number}});
    ok = true;
  } catch (const std::exception& e) {
    log_.error("reload refused; the old configuration stays",
               {{"reason", e.what()}, {"generation", generation_.get()->number()}});
  }
  metrics_.reload(ok);
  notify_service_manager("READY=1");
  return ok;
}

/// Opens every library and checks every option in a child, so that a crash there kills the child.
void Reloader::preflight() const {
  const Outcome outcome = run_child({program_.string(), "--check=" + source_.file.string()});
  if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) return;
  std::string reason = outcome.output;
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  if (WIFSIGNALED(outcome.status)) {
    reason = "the pre-flight died of signal " + std::to_string(WTERMSIG(outcome.status)) +
             " while it opened the plugins" + (reason.empty() ? "" : ": " + reason);
  }
  throw Failure(Code::kInvalidArgument, reason);
}

void Reloader::say_what_needs_a_restart(const Config& before, const Config& after) const {
  const auto say = [this](bool differs, const char* what) {
    if (differs) log_.warning("changed but not taken over: needs restart", {{"key", what}});
  };
  say(before.http.address != after.http.address || before.http.port != after.http.port, "/listen");
  say(before.state_dir != after.state_dir, "/state_dir");
  say(before.user != after.user, "/user");
  say(before.sandbox.uid_base != after.sandbox.uid_base, "/sandbox/uid_base");
  say(before.shown_paths() != after.shown_paths(),
      "/sandbox/read_only_paths or a language's paths");
}

}  // namespace podium
