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
#include "sandboxes.hpp"

extern char** environ;

namespace podium::sandbox {

/// podium-spawner as a child, with a runs directory of its own, and the podium_host that leads to
/// it.
class SpawnerProcess {
 public:
  SpawnerProcess() {
    char pattern[] = "/tmp/podium-sandbox-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    ::chmod(directory_.c_str(), 0755);
    std::filesystem::create_directory(directory_ + "/runs");
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
    const char* arguments[] = {PODIUM_SPAWNER, control.c_str(), runs.c_str(), nullptr};
    ASSERT_EQ(::posix_spawn(&pid_, PODIUM_SPAWNER, nullptr, nullptr,
                            const_cast<char* const*>(arguments), environ), 0);
    ::close(pair[1]);
    control_.reset(pair[0]);
  }

  podium_code connect(int* fd) {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    const bool sent = send_struct(control_.get(), PlainAsk{Ask::kConnect}, {&pair[1], 1});
    ::close(pair[1]);
    *fd = pair[0];
    return sent ? PODIUM_OK : PODIUM_UNAVAILABLE;
  }

  std::string directory_;
  sdk::Descriptor control_;
  pid_t pid_ = -1;
  podium_host host_{};
  podium_sandbox extension_{};
  std::mutex mutex_;
  std::vector<std::string> log_;
};

/// What a test asks a sandbox to run; defaults are generous.
struct Program {
  std::string code;
  std::vector<std::string> command{"/bin/bash", "{source}"};
  std::string source = "main.sh";
  std::vector<std::string> arguments;
  std::vector<std::string> compile;
  std::vector<std::string> environment;
  std::string input;
  std::string workspace_id;  ///< not empty: a directory of that name lies in runs
  podium_limits limits{sizeof(podium_limits), 1000, 10'000, 10'000, 512u << 20, 128, 1u << 20,
                       64u << 20, 128u << 20, 2000, 256, 1u << 30, 256, 2000, 0};

  static Program bash(std::string code) {
    Program p;
    p.code = std::move(code);
    return p;
  }
  static Program python(std::string code) {
    Program p;
    p.code = std::move(code);
    p.command = {"/usr/bin/python3", "{source}"};
    p.source = "main.py";
    p.environment = {"PYTHONUNBUFFERED=1"};
    return p;
  }
};

/// A run and all that was heard of it.
class Recorded {
 public:
  Recorded() {
    callbacks_.size = sizeof callbacks_;
    callbacks_.ctx = this;
    callbacks_.output = [](void* self, std::uint32_t stream, podium_bytes chunk) {
      auto* me = static_cast<Recorded*>(self);
      const std::lock_guard lock(me->mutex_);
      (stream == 1 ? me->out : me->err).append(chunk.data, chunk.size);
      me->changed_.notify_all();
    };
    callbacks_.completed = [](void* self, const podium_completion* completion) {
      auto* me = static_cast<Recorded*>(self);
      const std::lock_guard lock(me->mutex_);
      me->end = *completion;
      me->message = sdk::view(completion->message);
      ++me->completions;
      me->changed_.notify_all();
    };
  }

  void start(Sandboxes& sandboxes, const Program& program, std::size_t pool = 0) {
    const auto bytes = [](const std::vector<std::string>& list) {
      std::vector<podium_bytes> all;
      for (const auto& text : list) all.push_back(sdk::bytes(text));
      return all;
    };
    const auto arguments = bytes(program.arguments), compile = bytes(program.compile),
               command = bytes(program.command), environment = bytes(program.environment);
    podium_run run{};
    run.size = sizeof run;
    const std::string id =
        program.workspace_id.empty() ? "aaaaaaaaaaaaaaaaaaaaa" : program.workspace_id;
    run.id = sdk::bytes(id);
    run.code = sdk::bytes(program.code);
    run.source_name = sdk::bytes(program.source);
    run.arguments = arguments.data();
    run.argument_count = static_cast<std::uint32_t>(arguments.size());
    run.compile = compile.data();
    run.compile_count = static_cast<std::uint32_t>(compile.size());
    run.command = command.data();
    run.command_count = static_cast<std::uint32_t>(command.size());
    run.environment = environment.data();
    run.environment_count = static_cast<std::uint32_t>(environment.size());
    run.standard_input = sdk::bytes(program.input);
    run.workspace = program.workspace_id.empty() ? -1 : 0;
    run.output = -1;
    run.limits = &program.limits;
    sandboxes_ = &sandboxes;
    sandboxes.start(pool, sdk::RunView(&run), sdk::Callbacks(&callbacks_), lease_);
  }
  ~Recorded() { release(); }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return completions > 0; });
  }
  void wait_for_output(const std::string& text) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return out.find(text) != std::string::npos || completions > 0; });
  }
  void cancel() { sandboxes_->cancel(lease_); }
  void release() {
    if (lease_ == nullptr) return;
    wait();
    sandboxes_->release(std::exchange(lease_, nullptr));
  }

  std::string out, err, message;
  podium_completion end{};
  int completions = 0;

 private:
  podium_run_callbacks callbacks_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  Sandboxes* sandboxes_ = nullptr;
  podium_lease* lease_ = nullptr;
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
