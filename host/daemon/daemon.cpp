#include "daemon/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "daemon/bookkeeping.hpp"
#include "daemon/control.hpp"
#include "daemon/deadline.hpp"
#include "daemon/io_watches.hpp"
#include "daemon/key_files.hpp"
#include "daemon/notify.hpp"
#include "daemon/tls_files.hpp"
#include "exec/service.hpp"
#include "http/audit.hpp"
#include "http/server.hpp"
#include "version.hpp"

namespace podium {
namespace {

/// Sent by the I/O thread to itself as a process: "I have finished", for sigwait.
constexpr int kFinished = SIGUSR2;

/// A replaced configuration that is there after this time is told of.
constexpr milliseconds kLeftOver{60'000};
/// That plugins get to end when the daemon ends.
constexpr milliseconds kEndOfPlugins{15'000};
constexpr milliseconds kEndOfAll{20'000};
/// That a log which nobody reads may hold up an end in a hurry.
constexpr milliseconds kLastWords{2'000};

sigset_t awaited_signals() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, kFinished}) ::sigaddset(&set, number);
  return set;
}

unsigned pool_threads(const Config& config) { return std::clamp(config.admission.runs, 4u, 16u); }

/// Threads for plugins that block, made when the first one asks.
class PluginThreads {
 public:
  explicit PluginThreads(unsigned count) : count_(count) {}
  void post(std::function<void()> task) {
    std::call_once(once_, [this] { pool_ = std::make_unique<asio::thread_pool>(count_); });
    asio::post(*pool_, std::move(task));
  }
  void join() {
    if (pool_) pool_->join();
  }

 private:
  unsigned count_;
  std::once_flag once_;
  std::unique_ptr<asio::thread_pool> pool_;
};

class Daemon {
 public:
  Daemon(const DaemonOptions& options, Config config, SandboxDoor door, Log& log)
      : log_(log),
        door_(std::move(door)),
        facts_(door_.facts()),
        threads_(pool_threads(config)),
        pool_(threads_),
        plugin_threads_(config.admission.runs),
        sessions_(config.state_dir / "podium.db", SessionStore::Broken::kRetry,
                  metrics_.database()),
        accounts_(sessions_, keys_, log),
        builder_(services()),
        reaper_(log) {
    refuse_unenforced_limits(config);
    const Config copy = config;
    if (const std::string why = sessions_.trouble(); !why.empty()) {
      log.error("the database cannot be used; runs without files work", {{"why", why}});
    }
    accounts_.keys.reload(load_keys(config, log));
    accounts_.tokens.load(token_keys(config));
    books_.restore_usage();
    auto none = generation_.exchange(reaper_.adopt(builder_.build(std::move(config), nullptr)));
    exec_ = std::make_unique<ExecService>(io_, pool_, sessions_, log_, copy.state_dir / "runs",
                                          threads_);
    say_overrides(copy);
    reloader_ = std::make_unique<Reloader>(ReloadParts{
        options.source, options.program, builder_, reaper_, generation_, accounts_, log_, metrics_,
        [this](const Config& next, bool only_check) { take_over(next, only_check); }});
    control_ = std::make_unique<AdminControl>(options.source, *reloader_, generation_);
    http_ = std::make_unique<HttpServer>(HttpContext{io_, pool_, generation_, keys_, *exec_,
                                                     sessions_, accounts_, log_, metrics_, kVersion,
                                                     [this] { return facts_; }, control_.get()});
  }

  ~Daemon() {
    // The other way round than born: nobody asks any more, then nothing runs any more. A part that
    // hangs (a storage that does not answer, a health check) must not hold up the end.
    const Deadline end(kEndOfAll, [this] { leave_at_once("a part of the daemon does not end"); });
    reloader_->stop();
    http_.reset();
    io_guard_.reset();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
    watches_.end();  // plugins hear of their runs by themselves from now on
    pool_.join();
    exec_.reset();
    io_owner_.reset();  // with what still waited, which may hold a generation
    auto last = generation_.exchange(nullptr);
    last.reset();  // to the reaper, which ends the plugins and is waited for next
    if (!reaper_.wait(kEndOfPlugins)) leave_at_once("a plugin does not come to its end");
  }

  int run() {
    const Config config = generation_.get()->config();
    asio::co_spawn(io_, start(config), [this](std::exception_ptr error) {
      start_error_ = error;
      if (error) ::kill(::getpid(), kFinished);
    });
    io_thread_ = std::thread([this] { run_io(); });
    write_pid_file(config);
    wait_for_signals();
    ::unlink((config.state_dir / "podiumd.pid").c_str());
    if (start_error_) std::rethrow_exception(start_error_);
    // Its thread is in our code, which must not end under it.
    if (reloader_->hangs()) leave_at_once("a plugin still hangs in a reload that was abandoned");
    return 0;
  }

 private:
  /// What had to be kept is on disk by now; the rest is the kernel's to clear away.
  [[noreturn]] void leave_at_once(const char* why) {
    log_.error(why);
    log_.flush(kLastWords);
    ::_exit(0);
  }

  void say_overrides(const Config& config) {
    for (const Override& each : config.overrides) {
      log_.info("set by the environment",
                {{"variable", each.variable}, {"key", each.key}, {"value", each.shown}});
    }
  }

  /// The parts of a reloaded configuration that are not the generation's.
  void take_over(const Config& next, bool only_check) {
    if (only_check) {
      next_tls_ = tls_credentials(next, log_);
      return;
    }
    http_->reconfigure(next.http);
    http_->renew_tls(next.tls, std::exchange(next_tls_, nullptr));
  }

  HostServices services() {
    return {log_, [this](std::function<void()> task) { plugin_threads_.post(std::move(task)); },
            [this] { return door_.connect(); }, &metrics_, &watches_};
  }

  void refuse_unenforced_limits(const Config& config) {
    std::string missing;
    if (const Json* list = facts_.find("unenforced"); list != nullptr && list->is_array()) {
      for (const auto& name : list->items())
        missing += (missing.empty() ? "" : ", ") + name.string();
    }
    if (const Json* list = facts_.find("weaker"); list != nullptr && list->is_array()) {
      std::string how;
      for (const auto& text : list->items()) how += (how.empty() ? "" : "; ") + text.string();
      log_.warning("not started as root: sandboxes are weaker; run: podium doctor", {{"how", how}});
    }
    if (missing.empty()) return;
    if (config.sandbox.strict) {
      throw Failure(Code::kUnavailable,
                    "this host cannot enforce these limits: " + missing +
                        "; \"sandbox\": {\"strict\": true} forbids that. Run: podium doctor");
    }
    log_.warning("this host cannot enforce some limits; run: podium doctor", {{"limits", missing}});
  }

  void run_io() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        // A handler let something through: one request is lost, not the daemon.
        log_.error("unexpected exception on the I/O thread", {{"what", e.what()}});
      }
    }
  }

  /// What a crash left behind is cleared away before anybody is let in.
  Task<> start(Config config) {
    co_await sweep_once(true);
    http_->start(config.http);
    if (auto tls = tls_credentials(config, log_)) {
      http_->start_tls(config.tls, std::move(tls));
      log_.info("listens with TLS", {{"port", int{http_->tls_port()}}});
    }
    asio::co_spawn(io_, sweep_forever(), asio::detached);
    asio::co_spawn(io_, books_.keep(), asio::detached);
    asio::co_spawn(io_, watch_token_keys(), asio::detached);
    asio::co_spawn(io_, watch_generations(), asio::detached);
    if (const auto interval = watchdog_interval()) {
      asio::co_spawn(io_, feed_watchdog(*interval / 2), asio::detached);
    }
    log_.info("ready", {{"address", config.http.address},
                        {"port", int{http_->port()}},
                        {"version", kVersion},
                        {"state_dir", config.state_dir.string()},
                        {"cgroup", facts_.find("cgroup") ? *facts_.find("cgroup") : Json()}});
    notify_service_manager("READY=1");
  }

  /// The generation is let go of at the end: one that is held while it waits would not end. It has
  /// a name because GCC 12 loses temporaries of an awaited call, and with it their destructors.
  Task<> sweep_once(bool at_start) {
    const auto generation = generation_.get();
    const milliseconds retention = generation->config().audit.retention;
    co_await exec_->sweep(generation, at_start);
    if (!at_start) co_await books_.sweep(retention);
  }

  std::optional<milliseconds> sweep_interval() const {
    const auto generation = generation_.get();
    if (generation == nullptr) return std::nullopt;
    return generation->config().sessions.sweep_interval;
  }

  Task<> sweep_forever() {
    Timer timer(io_);
    for (;;) {
      const std::optional<milliseconds> interval = sweep_interval();
      if (!interval) co_return;
      timer.expires_after(*interval);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
      try {
        co_await sweep_once(false);
      } catch (const std::exception& e) {
        log_.error("sweep failed; it is tried again later", {{"reason", e.what()}});
      }
    }
  }

  Task<> wait(milliseconds time) {
    Timer timer(io_, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  }

  /// Says which replaced configurations do not end, each once in `kLeftOver` and then in twice the
  /// time.
  Task<> watch_generations() {
    std::map<std::uint64_t, milliseconds> next_word;
    for (;;) {
      co_await wait(milliseconds(1000));
      const std::vector<Reaper::Left> left = reaper_.left();
      const auto now = generation_.get();
      if (now == nullptr) co_return;
      metrics_.set_generations(now->number(), left.size());
      std::map<std::uint64_t, milliseconds> still;
      for (const Reaper::Left& each : left) {
        const auto known = next_word.find(each.number);
        milliseconds due = known == next_word.end() ? kLeftOver : known->second;
        if (each.since >= due) {
          log_.warning("an old configuration has not ended",
                       {{"generation", each.number},
                        {"seconds", static_cast<long long>(each.since.count() / 1000)},
                        {"held_by", each.ending ? "a plugin that does not end" : "requests"}});
          due = each.since * 2;
        }
        still[each.number] = due;
      }
      next_word = std::move(still);
    }
  }

  Task<> watch_token_keys() {
    for (;;) {
      co_await wait(milliseconds(2000));
      auto work = [this] { accounts_.tokens.refresh(); };
      co_await on_pool(io_, pool_, work);
    }
  }

  /// On the I/O thread on purpose: a watchdog that is fed elsewhere would not see it hang.
  Task<> feed_watchdog(std::chrono::microseconds interval) {
    Timer timer(io_);
    for (;;) {
      notify_service_manager("WATCHDOG=1");
      timer.expires_after(interval);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
  }

  void write_pid_file(const Config& config) const {
    std::ofstream(config.state_dir / "podiumd.pid") << ::getpid() << "\n";
  }

  void wait_for_signals() {
    const sigset_t awaited = awaited_signals();
    for (int number = 0;;) {
      if (::sigwait(&awaited, &number) != 0) continue;
      if (number == kFinished) return;
      if (number == SIGHUP) {
        reload_by_signal();
      } else if (number == SIGUSR1) {
        asio::post(io_, [this] {
          log_.info("status", {{"running", exec_->running()},
                               {"waiting", exec_->waiting()},
                               {"generation", generation_.get()->number()}});
        });
      } else if (!stopping_) {
        stopping_ = true;
        const milliseconds limit = generation_.get()->config().drain_timeout;
        asio::co_spawn(io_, drain(limit), asio::detached);
      } else {
        asio::post(io_, [this] { exec_->cancel_all(); });
      }
    }
  }

  void reload_by_signal() {
    reloader_->request([this, asked = epoch_ms_now()](const ReloadReport& report) {
      asio::post(io_, [this, asked, told = to_json(report)] {
        accounts_.ledger.audit(signalled_reload(asked, told));
      });
    });
  }

  /// Readiness off, no new connections, runs finish or are cancelled at the deadline.
  Task<> drain(milliseconds limit) {
    log_.info("stopping", {{"running", exec_->running()}, {"waiting", exec_->waiting()}});
    notify_service_manager("STOPPING=1");
    http_->set_draining();
    http_->stop_accepting();
    exec_->stop_admitting();
    Timer deadline(io_, limit);
    deadline.async_wait([this](const boost::system::error_code& error) {
      if (!error) exec_->cancel_all();
    });
    co_await exec_->idle();
    deadline.cancel();
    co_await http_->drain(std::chrono::seconds(5));
    co_await books_.write();
    log_.info("stopped");
    ::kill(::getpid(), kFinished);
  }

  Log& log_;
  Metrics metrics_;
  SandboxDoor door_;
  Json facts_;
  unsigned threads_;
  std::unique_ptr<asio::io_context> io_owner_ = std::make_unique<asio::io_context>(1);
  asio::io_context& io_ = *io_owner_;
  asio::executor_work_guard<asio::io_context::executor_type> io_guard_{io_.get_executor()};
  IoWatches watches_{io_};
  asio::thread_pool pool_;
  PluginThreads plugin_threads_;
  SessionStore sessions_;
  Snapshot<KeyRing> keys_;
  Accounts accounts_;
  Bookkeeping books_{io_, pool_, accounts_, log_};
  GenerationBuilder builder_;
  Reaper reaper_;
  Snapshot<Generation> generation_;
  std::unique_ptr<ExecService> exec_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<AdminControl> control_;
  std::unique_ptr<HttpServer> http_;
  std::shared_ptr<const TlsCredentials> next_tls_;  // of a reload in progress, on its thread
  std::thread io_thread_;
  std::exception_ptr start_error_;
  bool stopping_ = false;
};

}  // namespace

void block_signals() noexcept {
  const sigset_t awaited = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int run_daemon(const DaemonOptions& options, Config config, SandboxDoor door, Log& log) {
  log.start_writer();
  Daemon daemon(options, std::move(config), std::move(door), log);
  return daemon.run();
}

}  // namespace podium
