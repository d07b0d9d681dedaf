#pragma once
/// The host as a plugin sees it.

#include <podium/sdk/values.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace podium::sdk {

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
