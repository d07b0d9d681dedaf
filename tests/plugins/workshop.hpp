#pragma once
/// What the tests of the plugin host share: a folder of plugins that may be loaded, a log that can
/// be read, services and a config to build generations from.

#include <podium/testing.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/failure.hpp"
#include "plugin/generation.hpp"

namespace podium::test {

/// A log in memory.
class ReadableLog {
 public:
  ReadableLog() : fd_(::memfd_create("log", MFD_CLOEXEC)), log_(fd_, LogLevel::kDebug) {}
  ~ReadableLog() { ::close(fd_); }

  Log& log() noexcept { return log_; }
  std::string text() const {
    std::string out(static_cast<std::size_t>(::lseek(fd_, 0, SEEK_END)), '\0');
    ssize_t n = ::pread(fd_, out.data(), out.size(), 0);
    out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return out;
  }
  bool has(std::string_view part) const { return text().find(part) != std::string::npos; }

 private:
  int fd_;
  Log log_;
};

/// A thread a task; the end waits for all.
class Threads {
 public:
  ~Threads() {
    for (std::thread& thread : threads_) thread.join();
  }
  void post(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(task));
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

/// A folder with copies of built plugins, which only this user may write; services; a builder.
class Workshop {
 public:
  /// Copies <build>/`library` into the folder under `as` + ".so"; returns where it lies.
  std::filesystem::path add(const std::string& library, const std::string& as) {
    std::filesystem::path to = dir.path() / (as + ".so");
    std::filesystem::copy_file(std::filesystem::path(PODIUM_BUILD_DIR) / library, to);
    std::filesystem::permissions(to, std::filesystem::perms(0644));
    return to;
  }
  std::filesystem::path write(const std::string& name, std::string_view content) {
    std::filesystem::path to = dir.path() / name;
    std::ofstream(to, std::ios::binary) << content;
    std::filesystem::permissions(to, std::filesystem::perms(0644));
    return to;
  }
  HostServices services() {
    return {log.log(), [this](std::function<void()> task) { threads.post(std::move(task)); },
            nullptr, &metrics};
  }

  sdk::testing::TempDir dir;
  ReadableLog log;
  Metrics metrics;
  Threads threads;
};

/// The message of the Failure that `body` throws, "" when it throws none.
template <class F>
std::string message_of(F&& body) {
  try {
    body();
  } catch (const Failure& f) {
    return f.what();
  }
  return "";
}

/// The code of the Failure that `body` throws; kMalformed, which no plugin gives, for none.
template <class F>
Code code_of_failure(F&& body) {
  try {
    body();
  } catch (const Failure& f) {
    return f.code();
  }
  return Code::kMalformed;
}

/// Keeps what it hears of a run.
class RecordingEvents : public RunEvents {
 public:
  void on_output(unsigned stream, std::string_view chunk) override {
    std::lock_guard lock(mutex_);
    (stream == 2 ? err_ : out_) += chunk;
    changed_.notify_all();
  }
  void on_completed(Completion completion) override {
    std::lock_guard lock(mutex_);
    ++completions_;
    completion_ = std::move(completion);
    changed_.notify_all();
  }

  /// The completion, waited for.
  Completion wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return completions_ > 0; });
    return completion_;
  }
  void wait_for_output(std::string_view text) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return out_.find(text) != std::string::npos; });
  }
  std::string out() const {
    std::lock_guard lock(mutex_);
    return out_;
  }
  std::string err() const {
    std::lock_guard lock(mutex_);
    return err_;
  }
  int completions() const {
    std::lock_guard lock(mutex_);
    return completions_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_, err_;
  Completion completion_;
  int completions_ = 0;
};

}  // namespace podium::test
