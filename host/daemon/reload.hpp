#pragma once
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "account/accounts.hpp"
#include "base/snapshot.hpp"
#include "config/difference.hpp"
#include "obs/log.hpp"
#include "obs/metrics.hpp"
#include "plugin/generation.hpp"
#include "policy/auth.hpp"

namespace podium {

/// Where the configuration comes from.
struct ConfigSource {
  std::filesystem::path file;        ///< empty: the embedded defaults
  std::filesystem::path plugin_dir;  ///< taken when the configuration names none
  ConfigEnvironment environment;     ///< of the start

  /// Throws Failure.
  Config load() const;
  /// What load would give if the file held `text`. Throws Failure.
  Config parse(std::string_view text) const;

 private:
  Config completed(Config config) const;
};

/// How a reload came out.
struct ReloadReport {
  Metrics::Reload result = Metrics::Reload::kOk;
  std::string reason;            ///< why not
  std::uint64_t generation = 0;  ///< at work now
  std::vector<ConfigChange> changes;
  std::chrono::milliseconds took{0};
};

/// {"ok":…,"result":…,"generation":…,"message":…,"changes":[…]} for the administrator.
Json to_json(const ReloadReport& report);

/// Changes between `current`, by which the daemon works, and `next`; what needs a restart is
/// compared with `started`, since earlier reloads did not take it over.
std::vector<ConfigChange> pending_changes(const Config& started, const Config& current,
                                          const Config& next);

/// What a reload works on. Outlives the Reloader.
struct ReloadParts {
  ConfigSource source;
  std::filesystem::path program;  ///< podiumd, for the pre-flight
  GenerationBuilder& builder;
  Reaper& reaper;
  Snapshot<Generation>& generation;
  Accounts& accounts;
  Log& log;
  Metrics& metrics;
  /// Throws Failure for a configuration that others cannot work by; then called again with `false`
  /// once it is in force.
  std::function<void(const Config&, bool only_check)> take_over = {};
};

/// Replaces the generation while the daemon runs: all or nothing, one reload after the other on a
/// thread of its own.
class Reloader {
 public:
  using Done = std::function<void(const ReloadReport&)>;

  explicit Reloader(ReloadParts parts);
  ~Reloader() { stop(); }

  /// Waits for a reload in progress; what is asked for from now on is not served.
  void stop();

  /// Asks for a reload. Those that are asked for while one is in progress are served together by
  /// the next, which reads the file anew. `done` is called on the reloading thread. Any thread.
  void request(Done done = {});

  /// The configuration of the start: what only a restart changes is still as it says.
  const Config& started() const noexcept { return started_; }

  /// Whether a plugin that a reload gave up still is in its call. Any thread.
  bool hangs() const noexcept { return *hanging_ > 0; }

 private:
  struct Attempt;

  void run();
  ReloadReport reload();
  void replace(Config config, ReloadReport& report);
  std::shared_ptr<const Generation> build(Config config,
                                          std::shared_ptr<const Generation> previous);
  void tell(const ReloadReport& report) const;

  ReloadParts parts_;
  const Config started_;
  const std::shared_ptr<std::atomic<int>> hanging_ = std::make_shared<std::atomic<int>>(0);
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Done> asked_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace podium
