#pragma once
#include <podium/sdk/host.hpp>
#include <podium/sdk/testing/fake_io_thread.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace podium::sdk::testing {

/// A host that keeps the log, runs each posted task on a thread of its own, and connects to
/// whatever the test says is the spawner. Its destructor waits for the tasks. Any thread.
class FakeHost {
 public:
  struct Line {
    std::uint32_t level;
    std::string message;
  };

  FakeHost() = default;
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { join(); }

  const podium_host* raw() const noexcept { return &host_; }
  Host host() const noexcept { return Host(&host_); }

  /// The host has no podium.executor/1, or has it again.
  void offer_executor(bool offered) noexcept { offers_executor_ = offered; }
  /// post() fails with this message from now on; empty: it works.
  void refuse_tasks(std::string message) { refusal_ = std::move(message); }
  /// The host has podium.sandbox/1, with this function as connect: returns a descriptor or throws
  /// Error.
  void offer_sandbox(std::function<int()> connect) { connect_ = std::move(connect); }

  /// The host has podium.io-thread/1 from now on.
  FakeIoThread& lend_io_thread() {
    if (io_thread_ == nullptr) io_thread_ = std::make_unique<FakeIoThread>();
    return *io_thread_;
  }

  std::vector<Line> log() const {
    std::lock_guard lock(mutex_);
    return log_;
  }
  /// Whether a line of at least `level` contains `text`.
  bool logged(std::uint32_t level, std::string_view text) const {
    std::lock_guard lock(mutex_);
    return std::any_of(log_.begin(), log_.end(), [&](const Line& line) {
      return line.level >= level && line.message.find(text) != std::string::npos;
    });
  }
  /// Waits for the tasks posted so far.
  void join() {
    std::vector<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  static FakeHost& of(void* ctx) noexcept { return *static_cast<FakeHost*>(ctx); }

  static void log_line(void* ctx, std::uint32_t level, podium_bytes message) noexcept {
    FakeHost& self = of(ctx);
    std::lock_guard lock(self.mutex_);
    self.log_.push_back({level, std::string(view(message))});
  }
  static const void* get_extension(void* ctx, const char* id) noexcept {
    FakeHost& self = of(ctx);
    std::string_view wanted(id);
    if (wanted == PODIUM_EXT_EXECUTOR && self.offers_executor_) return &self.executor_;
    if (wanted == PODIUM_EXT_SANDBOX && self.connect_) return &self.sandbox_;
    if (wanted == PODIUM_EXT_IO_THREAD && self.io_thread_) return self.io_thread_->raw();
    return nullptr;
  }
  static podium_code post(void* ctx, void (*task)(void*), void* arg, podium_error* err) noexcept {
    FakeHost& self = of(ctx);
    return detail::guard(err, [&] {
      if (!self.refusal_.empty()) throw Error(PODIUM_RESOURCE_EXHAUSTED, self.refusal_);
      std::lock_guard lock(self.mutex_);
      self.threads_.emplace_back([task, arg] { task(arg); });
    });
  }
  static podium_code connect(void* ctx, int* descriptor, podium_error* err) noexcept {
    return detail::guard(err, [&] { *descriptor = of(ctx).connect_(); });
  }

  mutable std::mutex mutex_;
  std::vector<Line> log_;
  std::vector<std::thread> threads_;
  bool offers_executor_ = true;
  std::string refusal_;
  std::function<int()> connect_;
  std::unique_ptr<FakeIoThread> io_thread_;
  podium_host host_{sizeof(podium_host), this, &log_line, &get_extension};
  podium_executor executor_{sizeof(podium_executor), this, &post};
  podium_sandbox sandbox_{sizeof(podium_sandbox), this, &connect};
};

/// A new empty directory, removed with its content at the end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "podium-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no temporary directory " + pattern);
    }
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace podium::sdk::testing
