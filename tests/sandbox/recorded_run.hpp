#pragma once
/// A run of a sandbox as tests start it and hear of it; needs no rights.

#include <podium/sdk/runtime.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <string>
#include <utility>
#include <vector>

#include "sandboxes.hpp"

namespace podium::sandbox {

/// What a test asks a sandbox to run; defaults are generous.
struct Program {
  std::string code;
  std::vector<std::string> command{"/bin/bash", "{source}"};
  std::string source = "main.sh";
  std::vector<std::string> arguments;
  std::vector<std::string> compile;
  std::vector<std::string> environment;
  std::string input;
  bool open_input = false;   ///< it stays open for Recorded::write_input
  std::string workspace_id;  ///< not empty: a directory of that name lies in runs
  podium_limits limits{sizeof(podium_limits),
                       1000,
                       10'000,
                       10'000,
                       512u << 20,
                       128,
                       1u << 20,
                       64u << 20,
                       128u << 20,
                       2000,
                       256,
                       1u << 30,
                       256,
                       2000,
                       0};

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
    callbacks_.input_room = [](void* self) {
      auto* me = static_cast<Recorded*>(self);
      const std::lock_guard lock(me->mutex_);
      ++me->rooms_;
      me->changed_.notify_all();
    };
    callbacks_.completed = [](void* self, const podium_completion* completion) {
      auto* me = static_cast<Recorded*>(self);
      const std::lock_guard lock(me->mutex_);
      me->end = *completion;
      me->message = sdk::view(completion->message);
      me->told_by = std::this_thread::get_id();
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
    run.flags = program.open_input ? PODIUM_RUN_OPEN_INPUT : 0u;
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
  /// False: it was refused.
  bool write_input(std::string_view data) {
    try {
      sandboxes_->write_input(lease_, data);
      return true;
    } catch (const sdk::Error& error) {
      if (error.code() == PODIUM_RESOURCE_EXHAUSTED) return false;
      throw;
    }
  }
  void close_input() { sandboxes_->close_input(lease_); }
  void signal(int number) { sandboxes_->signal(lease_, number); }
  /// Whether input_room was called, once more for each of these; false after half a minute.
  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    const bool told =
        changed_.wait_for(lock, std::chrono::seconds(30), [this] { return rooms_ > 0; });
    if (told) --rooms_;
    return told;
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
  std::thread::id told_by;  ///< of the completion

 private:
  podium_run_callbacks callbacks_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  int rooms_ = 0;
  Sandboxes* sandboxes_ = nullptr;
  podium_lease* lease_ = nullptr;
};

}  // namespace podium::sandbox
