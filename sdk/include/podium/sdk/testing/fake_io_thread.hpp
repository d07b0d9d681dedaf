#pragma once
#include <podium/sdk/values.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace podium::sdk::testing {

/// A podium_io_thread: one thread that polls what is watched. Any thread.
class FakeIoThread {
 public:
  FakeIoThread() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { live(); }) {}
  FakeIoThread(const FakeIoThread&) = delete;
  FakeIoThread& operator=(const FakeIoThread&) = delete;
  ~FakeIoThread() { end(); }

  const podium_io_thread* raw() const noexcept { return &abi_; }
  std::thread::id id() const noexcept { return id_; }
  /// What is still watched.
  std::size_t watches() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  /// As when the daemon ends: calls `ended` of every watch; further ones are refused.
  void end() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    ring();
    thread_.join();
    for (const auto& entry : taken()) {
      const std::lock_guard lock(entry->calling);
      if (!std::exchange(entry->over, true)) entry->ended(entry->arg);
    }
  }

 private:
  struct Entry {
    Descriptor descriptor;
    void (*ready)(void*);
    void (*ended)(void*);
    void* arg;
    std::mutex calling;
    bool over = false;
  };
  using Entries = std::vector<std::shared_ptr<Entry>>;

  Entries taken() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  void ring() noexcept {
    const std::uint64_t one = 1;
    const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
    static_cast<void>(ignored);
  }

  void live() {
    id_ = std::this_thread::get_id();
    while (!stopping_) {
      const Entries entries = taken();
      std::vector<pollfd> events{{wake_.get(), POLLIN, 0}};
      for (const auto& entry : entries) events.push_back({entry->descriptor.get(), POLLIN, 0});
      ::poll(events.data(), events.size(), -1);
      std::uint64_t count = 0;
      const ssize_t ignored = ::read(wake_.get(), &count, sizeof count);
      static_cast<void>(ignored);
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (events[i + 1].revents == 0) continue;
        const std::lock_guard lock(entries[i]->calling);
        if (!entries[i]->over) entries[i]->ready(entries[i]->arg);
      }
    }
  }

  static podium_code watch(void* ctx, int descriptor, void (*ready)(void*), void (*ended)(void*),
                           void* arg, podium_watch** watch, podium_error* err) noexcept {
    auto& self = *static_cast<FakeIoThread*>(ctx);
    return detail::guard(err, [&] {
      if (self.stopping_) throw Error(PODIUM_UNAVAILABLE, "the I/O thread has ended");
      auto entry = std::make_shared<Entry>();
      entry->descriptor.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
      if (!entry->descriptor) throw Error(PODIUM_INVALID_ARGUMENT, "no such descriptor");
      entry->ready = ready;
      entry->ended = ended;
      entry->arg = arg;
      *watch = reinterpret_cast<podium_watch*>(entry.get());
      {
        const std::lock_guard lock(self.mutex_);
        self.entries_.push_back(std::move(entry));
      }
      self.ring();
    });
  }

  static void unwatch(void* ctx, podium_watch* watch) noexcept {
    auto& self = *static_cast<FakeIoThread*>(ctx);
    std::shared_ptr<Entry> gone;
    {
      const std::lock_guard lock(self.mutex_);
      for (auto at = self.entries_.begin(); at != self.entries_.end(); ++at) {
        if (reinterpret_cast<podium_watch*>(at->get()) != watch) continue;
        gone = std::move(*at);
        self.entries_.erase(at);
        break;
      }
    }
    if (gone == nullptr) return;
    const std::lock_guard lock(gone->calling);
    gone->over = true;
  }

  podium_io_thread abi_{sizeof(podium_io_thread), this, &watch, &unwatch};
  mutable std::mutex mutex_;
  Entries entries_;
  Descriptor wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::thread::id> id_{};
  std::thread thread_;  // last: it uses the others
};

}  // namespace podium::sdk::testing
