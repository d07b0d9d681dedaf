#include "daemon/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "daemon/notify.hpp"
#include "exec/service.hpp"
#include "http/server.hpp"
#include "version.hpp"

namespace podium {
namespace {

/// Sent by the I/O thread to itself as a process: "I have finished", for sigwait.
constexpr int kFinished = SIGUSR2;

sigset_t awaited_signals() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, kFinished}) ::sigaddset(&set, number);
  return set;
}

unsigned pool_threads(const Config& config) {
  return std::clamp(config.admission.runs, 4u, 16u);
}

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
        sessions_(config.state_dir / "podium.db"),
        builder_(services()),
        reaper_(log) {
    refuse_unenforced_limits(config);
    const Config copy = config;
    auto keys = keys_.exchange(std::make_shared<const KeyRing>(load_keys(config, log)));
    auto none = generation_.exchange(reaper_.adopt(builder_.build(std::move(config), nullptr)));
    exec_ = std::make_unique<ExecService>(io_, pool_, sessions_, log_, copy.state_dir / "runs",
                                          threads_);
    reloader_ = std::make_unique<Reloader>(options.source, options.program, builder_, reaper_,
                                           generation_, keys_, log_, metrics_);
    http_ = std::make_unique<HttpServer>(HttpContext{io_, pool_, generation_, keys_, *exec_,
                                                     sessions_, log_, metrics_, kVersion,
                                                     [this] { return facts_; }});
  }

  ~Daemon() {
    // The other way round than born: nobody asks any more, then nothing runs any more.
    http_.reset();
    io_guard_.reset();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
    pool_.join();
    exec_.reset();
    auto last = generation_.exchange(nullptr);
    last.reset();  // to the reaper, which ends the plugins and is waited for next
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
    return 0;
  }

 private:
  HostServices services() {
    return {log_, [this](std::function<void()> task) { plugin_threads_.post(std::move(task)); },
            [this] { return door_.connect(); }};
  }

  void refuse_unenforced_limits(const Config& config) {
    std::string missing;
    if (const Json* list = facts_.find("unenforced"); list != nullptr && list->is_array()) {
      for (const auto& name : list->items()) missing += (missing.empty() ? "" : ", ") + name.string();
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
    co_await exec_->sweep(generation_.get(), true);
    http_->start(config.http);
    asio::co_spawn(io_, sweep_forever(), asio::detached);
    if (const auto interval = watchdog_interval()) {
      asio::co_spawn(io_, feed_watchdog(*interval / 2), asio::detached);
    }
    log_.info("ready", {{"address", config.http.address}, {"port", int{http_->port()}},
                        {"version", kVersion}, {"state_dir", config.state_dir.string()},
                        {"cgroup", facts_.find("cgroup") ? *facts_.find("cgroup") : Json()}});
    notify_service_manager("READY=1");
  }

  Task<> sweep_forever() {
    asio::steady_timer timer(io_);
    for (;;) {
      const auto generation = generation_.get();
      if (generation == nullptr) co_return;
      timer.expires_after(generation->config().sessions.sweep_interval);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      try {
        co_await exec_->sweep(generation_.get(), false);
      } catch (const std::exception& e) {
        log_.error("sweep failed; it is tried again later", {{"reason", e.what()}});
      }
    }
  }

  /// On the I/O thread on purpose: a watchdog that is fed elsewhere would not see it hang.
  Task<> feed_watchdog(std::chrono::microseconds interval) {
    asio::steady_timer timer(io_);
    for (;;) {
      notify_service_manager("WATCHDOG=1");
      timer.expires_after(interval);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
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
        reloader_->reload();
      } else if (number == SIGUSR1) {
        asio::post(io_, [this] {
          log_.info("status", {{"running", exec_->running()}, {"waiting", exec_->waiting()},
                               {"generation", generation_.get()->number()}});
        });
      } else if (!stopping_) {
        stopping_ = true;
        asio::co_spawn(io_, drain(generation_.get()->config().drain_timeout), asio::detached);
      } else {
        asio::post(io_, [this] { exec_->cancel_all(); });
      }
    }
  }

  /// Readiness off, no new connections, runs finish or are cancelled at the deadline.
  Task<> drain(milliseconds limit) {
    log_.info("stopping", {{"running", exec_->running()}, {"waiting", exec_->waiting()}});
    notify_service_manager("STOPPING=1");
    http_->set_draining();
    http_->stop_accepting();
    exec_->stop_admitting();
    asio::steady_timer deadline(io_, limit);
    deadline.async_wait([this](const boost::system::error_code& error) {
      if (!error) exec_->cancel_all();
    });
    co_await exec_->idle();
    deadline.cancel();
    co_await http_->drain(std::chrono::seconds(5));
    log_.info("stopped");
    ::kill(::getpid(), kFinished);
  }

  Log& log_;
  SandboxDoor door_;
  Json facts_;
  unsigned threads_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> io_guard_{io_.get_executor()};
  asio::thread_pool pool_;
  PluginThreads plugin_threads_;
  SessionStore sessions_;
  Metrics metrics_;
  GenerationBuilder builder_;
  Reaper reaper_;
  Snapshot<Generation> generation_;
  Snapshot<KeyRing> keys_;
  std::unique_ptr<ExecService> exec_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<HttpServer> http_;
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
  Daemon daemon(options, std::move(config), std::move(door), log);
  return daemon.run();
}

}  // namespace podium
