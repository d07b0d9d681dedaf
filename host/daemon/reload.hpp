#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "account/accounts.hpp"
#include "base/snapshot.hpp"
#include "obs/log.hpp"
#include "obs/metrics.hpp"
#include "plugin/generation.hpp"
#include "policy/auth.hpp"

namespace podium {

/// Where the configuration comes from.
struct ConfigSource {
  std::filesystem::path file;        ///< empty: the embedded defaults
  std::filesystem::path plugin_dir;  ///< taken when the configuration names none

  /// Throws Failure.
  Config load() const;
};

/// The keys of a configuration's file, with the administrator's; makes the first of each when its
/// file is not there. Throws Failure.
KeyRing load_keys(const Config& config, Log& log);

/// The path of the keys of tokens; empty: none are taken.
std::filesystem::path token_keys(const Config& config);

/// Replaces the generation while the daemon runs: all or nothing. Main thread.
class Reloader {
 public:
  Reloader(ConfigSource source, std::filesystem::path program, GenerationBuilder& builder,
           Reaper& reaper, Snapshot<Generation>& generation, Accounts& accounts, Log& log,
           Metrics& metrics)
      : source_(std::move(source)), program_(std::move(program)), builder_(builder),
        reaper_(reaper), generation_(generation), accounts_(accounts), log_(log),
        metrics_(metrics) {}

  /// Parse, pre-flight in a child, build, exchange. False: the old generation stays, and the log
  /// says why, with file, path and line.
  bool reload();

 private:
  void preflight() const;
  void say_what_needs_a_restart(const Config& before, const Config& after) const;

  ConfigSource source_;
  std::filesystem::path program_;
  GenerationBuilder& builder_;
  Reaper& reaper_;
  Snapshot<Generation>& generation_;
  Accounts& accounts_;
  Log& log_;
  Metrics& metrics_;
};

}  // namespace podium
