#include "daemon/reload.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/failure.hpp"
#include "base/units.hpp"
#include "daemon/key_files.hpp"
#include "daemon/log_names.hpp"
#include "daemon/notify.hpp"
#include "daemon/preflight.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

/// A reload that took too long: nothing is known to be wrong, but nobody waits any more.
class Abandoned : public Failure {
 public:
  using Failure::Failure;
};

constexpr const char* kResults[] = {"ok", "refused", "abandoned"};

/// "/limits/wall, /log/level and 3 more".
std::string keys_of(const std::vector<ConfigChange>& changes) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(changes.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + changes[i].key;
  }
  if (changes.size() > kShown) text += " and " + std::to_string(changes.size() - kShown) + " more";
  return text;
}

}  // namespace

Config ConfigSource::completed(Config config) const {
  if (config.plugin_dir.empty()) config.plugin_dir = plugin_dir;
  return config;
}

Config ConfigSource::parse(std::string_view text) const {
  const std::string origin = file.empty() ? "built-in defaults" : file.native();
  return completed(parse_config(text, origin, environment));
}

Config ConfigSource::load() const {
  if (file.empty()) return parse(default_config_text());
  return completed(load_config(file, environment));
}

Json to_json(const ReloadReport& report) {
  const bool ok = report.result == Metrics::Reload::kOk;
  Json json = Json::object({{"ok", ok},
                            {"result", kResults[static_cast<unsigned>(report.result)]},
                            {"generation", report.generation},
                            {"took_ms", report.took.count()}});
  if (!ok) json.set("message", report.reason);
  Json changes = Json::array();
  for (const ConfigChange& change : report.changes) changes.push(to_json(change));
  json.set("changes", std::move(changes));
  return json;
}

std::vector<ConfigChange> pending_changes(const Config& started, const Config& current,
                                          const Config& next) {
  std::vector<ConfigChange> out;
  if (!started.document || !current.document || !next.document) return out;
  for (ConfigChange& change : config_changes(*current.document, *next.document)) {
    if (!change.needs_restart) out.push_back(std::move(change));
  }
  for (ConfigChange& change : config_changes(*started.document, *next.document)) {
    if (change.needs_restart) out.push_back(std::move(change));
  }
  return out;
}

Reloader::Reloader(ReloadParts parts)
    : parts_(std::move(parts)), started_(parts_.generation.get()->config()) {
  thread_ = std::thread([this] { run(); });
}

void Reloader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Reloader::request(Done done) {
  std::lock_guard lock(mutex_);
  wanted_ = true;
  if (done) asked_.push_back(std::move(done));
  changed_.notify_one();
}

void Reloader::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    const std::vector<Done> asked = std::exchange(asked_, {});
    lock.unlock();
    const ReloadReport report = reload();
    for (const Done& done : asked) done(report);
    lock.lock();
  }
}

ReloadReport Reloader::reload() {
  notify_service_manager("RELOADING=1");
  ReloadReport report;
  const Clock::time_point began = Clock::now();
  try {
    replace(parts_.source.load(), report);
  } catch (const Abandoned& failure) {
    report.result = Metrics::Reload::kAbandoned;
    report.reason = failure.what();
  } catch (const std::exception& failure) {
    report.result = Metrics::Reload::kRefused;
    report.reason = failure.what();
  }
  report.generation = parts_.generation.get()->number();
  report.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  parts_.metrics.reload(report.result);
  tell(report);
  notify_service_manager("READY=1");
  return report;
}

/// Everything that can fail comes before the first thing that changes.
void Reloader::replace(Config config, ReloadReport& report) {
  const std::shared_ptr<const Generation> before = parts_.generation.get();
  const std::chrono::milliseconds limit = config.reload_timeout;
  if (!parts_.builder.shares_all(config, *before)) {
    preflight(parts_.program, parts_.source.file, limit);
  }
  KeyRing keys = load_keys(config, parts_.log);
  if (parts_.take_over) parts_.take_over(config, true);
  report.changes = pending_changes(started_, before->config(), config);
  auto next = build(std::move(config), before);
  const Config& taken = next->config();
  parts_.accounts.tokens.load(token_keys(taken));
  if (parts_.take_over) parts_.take_over(taken, false);
  parts_.log.configure(parse_log_level(taken.log.level), parse_log_format(taken.log.format));
  parts_.reaper.replaced(before->number());
  auto old = parts_.generation.exchange(std::move(next));
  parts_.accounts.keys.reload(std::move(keys));
}

/// What a build of its own thread tells; outlives the Reloader when the build hangs.
struct Reloader::Attempt {
  std::mutex mutex;
  std::condition_variable changed;
  std::stop_source stop;
  bool ended = false;
  std::shared_ptr<const Generation> made;
  std::exception_ptr error;
};

/// On a thread of its own, because a plugin's create may never return.
std::shared_ptr<const Generation> Reloader::build(Config config,
                                                  std::shared_ptr<const Generation> previous) {
  const std::chrono::milliseconds limit = config.reload_timeout;
  auto attempt = std::make_shared<Attempt>();
  auto hanging = hanging_;
  ++*hanging;
  std::thread([attempt, hanging, config = std::move(config), previous, &builder = parts_.builder,
               &reaper = parts_.reaper]() mutable {
    std::shared_ptr<const Generation> made;
    std::exception_ptr error;
    try {
      made =
          reaper.adopt(builder.build(std::move(config), previous.get(), attempt->stop.get_token()));
    } catch (...) {
      error = std::current_exception();
    }
    previous.reset();
    std::unique_lock lock(attempt->mutex);
    attempt->ended = true;
    if (!attempt->stop.stop_requested()) {
      attempt->made = std::move(made);
      attempt->error = std::move(error);
    }
    --*hanging;
    attempt->changed.notify_all();
  }).detach();

  std::unique_lock lock(attempt->mutex);
  if (!attempt->changed.wait_for(lock, limit, [&] { return attempt->ended; })) {
    attempt->stop.request_stop();
    const std::string library = parts_.builder.give_up_call();
    throw Abandoned(Code::kDeadlineExceeded,
                    "making the plugins did not end within " + format_duration(limit) +
                        (library.empty() ? "" : ": " + library + " hangs in its create"));
  }
  // Taken, so that its last owner is on this thread: the counting is in the standard library, where
  // ThreadSanitizer does not see it.
  if (attempt->error) std::rethrow_exception(std::exchange(attempt->error, nullptr));
  return std::move(attempt->made);
}

void Reloader::tell(const ReloadReport& report) const {
  const Json generation = report.generation;
  const Json took = report.took.count();
  if (report.result == Metrics::Reload::kAbandoned) {
    parts_.log.error("reload abandoned; the old configuration stays",
                     {{"reason", report.reason}, {"generation", generation}, {"ms", took}});
    return;
  }
  if (report.result == Metrics::Reload::kRefused) {
    parts_.log.error("reload refused; the old configuration stays",
                     {{"reason", report.reason}, {"generation", generation}, {"ms", took}});
    return;
  }
  std::vector<ConfigChange> live;
  for (const ConfigChange& change : report.changes) {
    if (!change.needs_restart) {
      live.push_back(change);
      continue;
    }
    parts_.log.warning("changed but not taken over: needs restart", {{"key", change.key}});
  }
  parts_.log.info("reloaded",
                  {{"generation", generation}, {"ms", took}, {"changed", keys_of(live)}});
}

}  // namespace podium
