#pragma once
/// A spawner, zygotes and sandboxes that are nothing but a thread in the test's own process: what a
/// pool makes of their words is tested without rights, processes or Python, and under sanitizers.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <podium/sdk/host.hpp>
#include <podium/sdk/testing/fake_io_thread.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "packet.hpp"
#include "protocol.hpp"

namespace podium::sandbox {

/// How often, of a thousand times, something goes wrong.
struct Misfortune {
  unsigned making = 0;        ///< the spawner answers with an error
  unsigned before_ready = 0;  ///< pid 1 dies before it says that it is ready
  unsigned idle = 0;          ///< pid 1 dies right after it said so
  unsigned unread = 0;        ///< pid 1 dies with the run unread
  unsigned running = 0;       ///< pid 1 dies in the middle of the run
  unsigned zygote = 0;        ///< a zygote dies, looked at when it is asked for a fork
  unsigned spawner = 0;       ///< the connection breaks, looked at with each request
};

class FakeSpawner {
 public:
  explicit FakeSpawner(Misfortune misfortune = {}, unsigned seed = 1)
      : misfortune_(misfortune), random_(seed) {
    ::signal(SIGPIPE, SIG_IGN);  // as podiumd does
    int pair[2];
    if (::pipe2(pair, O_CLOEXEC) != 0) std::abort();
    wake_read_.reset(pair[0]);
    wake_write_.reset(pair[1]);
    host_.size = sizeof host_;
    host_.ctx = this;
    host_.log = [](void* self, std::uint32_t, podium_bytes text) {
      auto* me = static_cast<FakeSpawner*>(self);
      const std::lock_guard lock(me->mutex_);
      me->log_.emplace_back(sdk::view(text));
    };
    host_.get_extension = [](void* self, const char* id) -> const void* {
      auto* me = static_cast<FakeSpawner*>(self);
      const std::string_view wanted(id);
      if (wanted == PODIUM_EXT_SANDBOX) return &me->extension_;
      if (wanted == PODIUM_EXT_IO_THREAD && me->io_thread_) return me->io_thread_->raw();
      return nullptr;
    };
    extension_.size = sizeof extension_;
    extension_.ctx = this;
    extension_.connect = [](void* self, int* fd, podium_error*) {
      return static_cast<FakeSpawner*>(self)->connect(fd);
    };
    if (lends_io_thread) io_thread_ = std::make_unique<sdk::testing::FakeIoThread>();
    thread_ = std::thread([this] { live(); });
  }
  ~FakeSpawner() {
    stopping_ = true;
    wake();
    thread_.join();
  }
  FakeSpawner(const FakeSpawner&) = delete;
  FakeSpawner& operator=(const FakeSpawner&) = delete;

  sdk::Host host() { return sdk::Host(&host_); }
  /// Whether hosts made from now on lend their I/O thread.
  static inline bool lends_io_thread = false;
  sdk::testing::FakeIoThread* io_thread() const { return io_thread_.get(); }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  /// From now on what is asked for is only noted, until give() hands it out; set before use.
  std::atomic<bool> holds{false};
  /// Kills nothing, as a spawner does that did not make what it is asked to kill.
  std::atomic<bool> knows_nothing{false};
  /// No ping is answered any more.
  std::atomic<bool> silent{false};
  /// Says `code` when it is a zygote; 0: that it is ready.
  std::atomic<int> zygote_error{0};
  /// So many of the next runs find that pid 1 dies with the run unread.
  std::atomic<int> deaths_unread{0};
  /// No sandbox is made with this share of the processors; 0: with any.
  std::atomic<std::uint32_t> refused_cpu_millis{0};
  std::atomic<std::uint32_t> asked_cpu_millis{0};  ///< of the last sandbox
  /// Gets the reading end of a run's stdin before anything else happens to it; on the fake's
  /// thread.
  std::function<void(int input)> on_input;
  /// What pid 1 does with a run instead of ending it well; called on the fake's thread with pid 1's
  /// end of the control socket, the nonce and the writing end of stdout. False: it dies then.
  std::function<bool(int control, std::uint64_t nonce, int output)> on_run;

  /// Hands out what was held back.
  void give() {
    holds = false;
    wake();
  }

  std::atomic<unsigned> made{0};  ///< sandboxes asked for
  std::atomic<unsigned> idle{0};  ///< alive, and without a run
  std::atomic<unsigned> most_idle{0};
  std::atomic<unsigned> runs{0};     ///< that reached a pid 1
  std::atomic<unsigned> zygotes{0};  ///< asked for
  std::atomic<unsigned> kills{0};    ///< asked for
  std::atomic<unsigned> pongs{0};

 private:
  struct Init {
    std::uint64_t nonce = 0;
    std::uint32_t id = 0;
    sdk::Descriptor control, input, output, error;
    bool idle = true;
  };

  podium_code connect(int* fd) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
      return PODIUM_UNAVAILABLE;
    *fd = pair[0];
    {
      const std::lock_guard lock(mutex_);
      fresh_.reset(pair[1]);
    }
    wake();
    return PODIUM_OK;
  }

  void wake() {
    const ssize_t ignored = ::write(wake_write_.get(), "x", 1);
    static_cast<void>(ignored);
  }

  bool unlucky(unsigned per_mille) { return per_mille > 0 && random_() % 1000 < per_mille; }

  void live() {
    while (!stopping_) {
      std::vector<pollfd> events{{wake_read_.get(), POLLIN, 0}};
      if (connection_) events.push_back({connection_.get(), POLLIN, 0});
      for (const auto& [fd, init] : inits_) events.push_back({fd, POLLIN, 0});
      ::poll(events.data(), events.size(), -1);
      if (stopping_) break;
      if (events[0].revents != 0) {
        char drop[64];
        const ssize_t ignored = ::read(wake_read_.get(), drop, sizeof drop);
        static_cast<void>(ignored);
        const std::lock_guard lock(mutex_);
        if (fresh_) connection_ = std::move(fresh_);
      }
      if (!holds) {
        for (auto& request : std::exchange(held_, {})) make_shell(request);
      }
      for (std::size_t i = 1; i < events.size(); ++i) {
        if (events[i].revents == 0) continue;
        if (connection_ && events[i].fd == connection_.get()) {
          on_request();
        } else if (inits_.contains(events[i].fd)) {
          on_control(events[i].fd);
        }
      }
    }
    inits_.clear();
  }

  void on_request() {
    alignas(8) char buffer[1024];
    Packet packet;
    const ssize_t n = packet.receive(connection_.get(), buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n < static_cast<ssize_t>(sizeof(Ask)) || unlucky(misfortune_.spawner)) {
      connection_.reset();
      zygotes_.clear();
      return;
    }
    Ask ask{};
    std::memcpy(&ask, buffer, sizeof ask);
    if (ask == Ask::kFacts) {
      send_packet(connection_.get(), R"({"cgroup":"none","unenforced":[]})");
    } else if (ask == Ask::kNewShell) {
      NewShell request;
      std::memcpy(&request, buffer, sizeof request);
      ++made;
      asked_cpu_millis = request.limits.cpu_millis;
      holds ? held_.push_back(request) : make_shell(request);
    } else if (ask == Ask::kNewZygote) {
      NewZygote request;
      std::memcpy(&request, buffer, sizeof request);
      make_zygote(request);
    } else if (ask == Ask::kKillShell) {
      KillShell request;
      std::memcpy(&request, buffer, sizeof request);
      ++kills;
      if (knows_nothing) return;
      for (const auto& [fd, init] : inits_) {
        if (init.id == request.id) return drop(fd);
      }
    } else if (ask == Ask::kKillZygote) {
      KillZygote request;
      std::memcpy(&request, buffer, sizeof request);
      zygotes_.erase(request.id);
    }
  }

  void answer(std::uint32_t id, int error, int descriptor) {
    ShellMade answer;
    answer.id = id;
    answer.error = error;
    std::strcpy(answer.what, "for the test");
    send_struct(connection_.get(), answer,
                descriptor >= 0 ? std::span<const int>(&descriptor, 1) : std::span<const int>());
  }

  void make_zygote(const NewZygote& request) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
    const sdk::Descriptor theirs(pair[0]);
    ++zygotes;
    answer(request.id, 0, theirs.get());
    if (const int error = zygote_error) {
      Failed failed;
      failed.error = error;
      std::strcpy(failed.what, "import something");
      send_struct(pair[1], failed);
      ::close(pair[1]);
      return;
    }
    send_struct(pair[1], Message{Kind::kReady, 0, 0});
    zygotes_[request.id].reset(pair[1]);
  }

  void make_shell(const NewShell& request) {
    if (!connection_) return;
    if (unlucky(misfortune_.zygote)) zygotes_.erase(request.zygote);
    if (unlucky(misfortune_.making)) return answer(request.id, ENOMEM, -1);
    if (request.limits.cpu_millis == refused_cpu_millis && refused_cpu_millis != 0) {
      return answer(request.id, EINVAL, -1);
    }
    int control[2], input[2], output[2], error[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0 ||
        ::pipe2(input, O_CLOEXEC | O_NONBLOCK) != 0 ||
        ::pipe2(output, O_CLOEXEC | O_NONBLOCK) != 0 ||
        ::pipe2(error, O_CLOEXEC | O_NONBLOCK) != 0) {
      std::abort();
    }
    const sdk::Descriptor theirs[4] = {sdk::Descriptor(control[0]), sdk::Descriptor(input[1]),
                                       sdk::Descriptor(output[0]), sdk::Descriptor(error[0])};
    Init init;
    init.nonce = request.nonce;
    init.id = request.id;
    init.control.reset(control[1]);
    init.input.reset(input[0]);
    init.output.reset(output[1]);
    init.error.reset(error[1]);
    answer(request.id, 0, theirs[0].get());
    if (unlucky(misfortune_.before_ready)) return;
    const int streams[3] = {theirs[1].get(), theirs[2].get(), theirs[3].get()};
    send_struct(control[1], Message{Kind::kReady, 0, request.nonce}, streams);
    if (unlucky(misfortune_.idle)) return;
    if (const unsigned now = ++idle; now > most_idle) most_idle = now;
    inits_[control[1]] = std::move(init);
  }

  void on_control(int fd) {
    Init& init = inits_.at(fd);
    // A socket that closes with a packet unread tells the other end so.
    if (init.idle && (unlucky(misfortune_.unread) || (deaths_unread > 0 && deaths_unread-- > 0))) {
      return drop(fd);
    }
    static thread_local char buffer[sizeof(RunHeader) + kInlinePayload + 64];
    Packet packet;
    const ssize_t n = packet.receive(fd, buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n < static_cast<ssize_t>(sizeof(Message))) return drop(fd);
    Message message{};
    std::memcpy(&message, buffer, sizeof message);
    if (message.kind == Kind::kPing && !silent) {
      ++pongs;
      send_struct(fd, Message{Kind::kPong, 0, init.nonce});
    } else if (message.kind == Kind::kRun) {
      init.idle = false;
      --idle;
      ++runs;
      if (unlucky(misfortune_.running)) return drop(fd);
      if (on_input) on_input(init.input.get());
      if (on_run) {
        if (!on_run(fd, init.nonce, init.output.get())) return drop(fd);
        send_struct(fd, Message{Kind::kGoesOn, 0, init.nonce});  // unless it is over
        return;
      }
      const ssize_t ignored = ::write(init.output.get(), "out\n", 4);
      static_cast<void>(ignored);
      end(fd, init.nonce, Stop::kNone);
    } else if (message.kind == Kind::kKill && !init.idle) {
      end(fd, init.nonce, Stop::kCancel);
    }
  }

  static void end(int fd, std::uint64_t nonce, Stop stop) {
    RunEnd end;
    end.message.nonce = nonce;
    end.stop = stop;
    send_struct(fd, end);
  }

  void drop(int fd) {
    if (inits_.at(fd).idle) --idle;
    inits_.erase(fd);
  }

  const Misfortune misfortune_;
  std::mt19937 random_;
  podium_host host_{};
  podium_sandbox extension_{};
  std::mutex mutex_;
  std::vector<std::string> log_;
  sdk::Descriptor fresh_;  // a new connection
  sdk::Descriptor wake_read_, wake_write_;
  std::atomic<bool> stopping_{false};
  // The thread's own.
  sdk::Descriptor connection_;
  std::map<int, Init> inits_;
  std::map<std::uint32_t, sdk::Descriptor> zygotes_;
  std::vector<NewShell> held_;
  std::unique_ptr<sdk::testing::FakeIoThread> io_thread_;
  std::thread thread_;
};

}  // namespace podium::sandbox
