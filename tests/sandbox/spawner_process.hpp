#pragma once
/// A real spawner and real sandboxes for tests: what the daemon does at its start, in small.

#include <gtest/gtest.h>
#include <podium/sdk/host.hpp>
#include <podium/sdk/runtime.hpp>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "packet.hpp"
#include "pool_metrics.hpp"
#include "recorded_run.hpp"
#include "sandboxes.hpp"

extern char** environ;

namespace podium::sandbox {

/// podium-spawner as a child, with a runs directory of its own, and the podium_host that leads to
/// it.
class SpawnerProcess {
 public:
  /// With a uid that is not 0 the spawner is started as that user, with that group and no other.
  explicit SpawnerProcess(uid_t uid = 0) : uid_(uid) {
    char pattern[] = "/tmp/podium-sandbox-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    ::chmod(directory_.c_str(), 0755);
    std::filesystem::create_directory(directory_ + "/runs");
    if (uid_ != 0) {
      // What is built here may lie where nobody else can go.
      std::filesystem::copy_file(PODIUM_SPAWNER, program());
      for (const char* path : {"/runs", ""}) {
        EXPECT_EQ(::chown((directory_ + path).c_str(), uid_, uid_), 0);
      }
    }
    ::signal(SIGPIPE, SIG_IGN);
    start();
    host_.size = sizeof host_;
    host_.ctx = this;
    host_.log = [](void* self, std::uint32_t, podium_bytes text) {
      auto* me = static_cast<SpawnerProcess*>(self);
      const std::lock_guard lock(me->mutex_);
      me->log_.emplace_back(sdk::view(text));
    };
    host_.get_extension = [](void* self, const char* id) -> const void* {
      return std::string_view(id) == PODIUM_EXT_SANDBOX
                 ? &static_cast<SpawnerProcess*>(self)->extension_
                 : nullptr;
    };
    extension_.size = sizeof extension_;
    extension_.ctx = this;
    extension_.connect = [](void* self, int* fd, podium_error*) {
      return static_cast<SpawnerProcess*>(self)->connect(fd);
    };
  }
  ~SpawnerProcess() {
    control_.reset();
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  sdk::Host host() { return sdk::Host(&host_); }
  std::string runs() const { return directory_ + "/runs"; }
  pid_t pid() const { return pid_; }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  /// Kills it and starts its successor, as the supervisor would.
  void restart() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    start();
  }

 private:
  void start() {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    ::fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    const std::string control = "--control=" + std::to_string(pair[1]);
    const std::string runs = "--runs=" + directory_ + "/runs";
    const std::string user = "--reuid=" + std::to_string(uid_);
    const std::string group = "--regid=" + std::to_string(uid_);
    const std::string spawner = program();
    std::vector<const char*> arguments{spawner.c_str(), control.c_str(), runs.c_str(), nullptr};
    if (uid_ != 0) {
      const char* as_user[] = {"/usr/bin/setpriv", user.c_str(), group.c_str(), "--clear-groups"};
      arguments.insert(arguments.begin(), std::begin(as_user), std::end(as_user));
    }
    ASSERT_EQ(::posix_spawn(&pid_, arguments[0], nullptr, nullptr,
                            const_cast<char* const*>(arguments.data()), environ),
              0);
    ::close(pair[1]);
    control_.reset(pair[0]);
  }

  std::string program() const { return uid_ == 0 ? PODIUM_SPAWNER : directory_ + "/spawner"; }

  podium_code connect(int* fd) {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    const bool sent = send_struct(control_.get(), PlainAsk{Ask::kConnect}, {&pair[1], 1});
    ::close(pair[1]);
    *fd = pair[0];
    return sent ? PODIUM_OK : PODIUM_UNAVAILABLE;
  }

  uid_t uid_ = 0;
  std::string directory_;
  sdk::Descriptor control_;
  pid_t pid_ = -1;
  podium_host host_{};
  podium_sandbox extension_{};
  std::mutex mutex_;
  std::vector<std::string> log_;
};

/// One spawner and one pool for the tests of a suite.
class SandboxTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_FAIL() << "the sandbox tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
    PoolOptions pool;
    pool.limits = kFirstLimits;
    sandboxes_ = std::make_unique<Sandboxes>(spawner_->host(), std::vector{pool});
  }
  static void TearDownTestSuite() {
    sandboxes_.reset();
    spawner_.reset();
  }

  static std::unique_ptr<Recorded> run(const Program& program) {
    auto recorded = std::make_unique<Recorded>();
    recorded->start(*sandboxes_, program);
    recorded->wait();
    return recorded;
  }

  inline static std::unique_ptr<SpawnerProcess> spawner_;
  inline static std::unique_ptr<Sandboxes> sandboxes_;
};

}  // namespace podium::sandbox
