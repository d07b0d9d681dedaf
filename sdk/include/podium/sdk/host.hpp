#pragma once
/// The host as a plugin sees it.

#include <podium/sdk/values.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace podium::sdk {

/// A descriptor that the host waits for; see podium_io_thread. Its destructor lets no call come any
/// more, and waits for one that runs: not from within it.
class Watch {
 public:
  Watch() noexcept = default;
  Watch(Watch&& other) noexcept
      : thread_(other.thread_),
        watch_(std::exchange(other.watch_, nullptr)),
        calls_(std::move(other.calls_)) {}
  Watch& operator=(Watch&& other) noexcept {
    std::swap(thread_, other.thread_);
    std::swap(watch_, other.watch_);
    std::swap(calls_, other.calls_);
    return *this;
  }
  ~Watch() {
    if (watch_ != nullptr) thread_->unwatch(thread_->ctx, watch_);
  }

  explicit operator bool() const noexcept { return watch_ != nullptr; }

 private:
  friend class Host;
  struct Calls {
    std::function<void()> ready, ended;
  };

  const podium_io_thread* thread_ = nullptr;
  podium_watch* watch_ = nullptr;
  std::unique_ptr<Calls> calls_;
};

/// A view of podium_host, cheap to copy. Valid until the instance's destructor returns; any thread.
class Host {
 public:
  explicit Host(const podium_host* host) noexcept : host_(host) {}

  /// One line of the daemon's log; the host adds time and instance name.
  void log(podium_log_level level, std::string_view message) const noexcept {
    host_->log(host_->ctx, level, bytes(message));
  }
  void debug(std::string_view message) const noexcept { log(PODIUM_DEBUG, message); }
  void info(std::string_view message) const noexcept { log(PODIUM_INFO, message); }
  void warning(std::string_view message) const noexcept { log(PODIUM_WARNING, message); }
  void error(std::string_view message) const noexcept { log(PODIUM_ERROR, message); }

  /// A host service by id, nullptr when this host lacks it. Test members added after 1.0 with
  /// PODIUM_HAS before reading them.
  template <class T>
  const T* get_extension(const char* id) const noexcept {
    return static_cast<const T*>(host_->get_extension(host_->ctx, id));
  }

  /// Runs `task` once on a thread of the host's pool, later. It may block as long as a run may
  /// last. What it throws is logged. Throws Error when the host has no pool or refuses.
  void post(std::function<void()> task) const {
    const auto* executor = get_extension<podium_executor>(PODIUM_EXT_EXECUTOR);
    if (executor == nullptr) {
      throw Error(PODIUM_UNSUPPORTED, "this host offers no " PODIUM_EXT_EXECUTOR);
    }
    auto posted = std::make_unique<Posted>(Posted{host_, std::move(task)});
    podium_error err{};
    err.size = sizeof err;
    podium_code code = executor->post(executor->ctx, &run_posted, posted.get(), &err);
    if (code != PODIUM_OK) throw Error(code, "posting a task: " + std::string(err.message));
    posted.release();  // run_posted's, from here on
  }

  /// A new connection to the sandbox spawner. Throws Error, PODIUM_UNAVAILABLE while the spawner
  /// restarts.
  Descriptor connect_sandbox() const {
    const auto* sandbox = get_extension<podium_sandbox>(PODIUM_EXT_SANDBOX);
    if (sandbox == nullptr) {
      throw Error(PODIUM_UNSUPPORTED, "this host offers no " PODIUM_EXT_SANDBOX);
    }
    podium_error err{};
    err.size = sizeof err;
    int fd = -1;
    podium_code code = sandbox->connect(sandbox->ctx, &fd, &err);
    if (code != PODIUM_OK) {
      throw Error(code, "connecting to the spawner: " + std::string(err.message));
    }
    return Descriptor(fd);
  }

  /// Calls `ready` on the host's I/O thread whenever the descriptor can be read, `ended` once if
  /// that thread ends; neither may throw. An empty Watch: this host lends no such thread.
  Watch watch(int descriptor, std::function<void()> ready, std::function<void()> ended) const {
    Watch out;
    const auto* thread = get_extension<podium_io_thread>(PODIUM_EXT_IO_THREAD);
    if (thread == nullptr) return out;
    using Calls = Watch::Calls;
    out.calls_ = std::make_unique<Calls>(Calls{std::move(ready), std::move(ended)});
    podium_error err{};
    err.size = sizeof err;
    const podium_code code = thread->watch(
        thread->ctx, descriptor, [](void* calls) { static_cast<Calls*>(calls)->ready(); },
        [](void* calls) { static_cast<Calls*>(calls)->ended(); }, out.calls_.get(), &out.watch_,
        &err);
    if (code != PODIUM_OK) throw Error(code, "watching a descriptor: " + std::string(err.message));
    out.thread_ = thread;
    return out;
  }

  const podium_host* raw() const noexcept { return host_; }

 private:
  struct Posted {
    const podium_host* host;
    std::function<void()> task;
  };

  static void run_posted(void* arg) noexcept {
    std::unique_ptr<Posted> posted(static_cast<Posted*>(arg));
    podium_error err{};
    err.size = sizeof err;
    if (detail::guard(&err, posted->task) != PODIUM_OK) Host(posted->host).error(err.message);
  }

  const podium_host* host_;
};

}  // namespace podium::sdk
