#pragma once
#include <podium/sdk/runtime.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace podium::sdk::testing {

/// Limits under which an ordinary test program has room.
constexpr podium_limits ample_limits() noexcept {
  podium_limits limits{};
  limits.size = sizeof limits;
  limits.cpu_millis = 1000;
  limits.wall_ms = 30'000;
  limits.compile_wall_ms = 60'000;
  limits.compile_memory_bytes = 1u << 30;
  limits.compile_processes = 256;
  limits.compile_cpu_millis = 2000;
  limits.memory_bytes = 512u << 20;
  limits.processes = 128;
  limits.output_bytes = 1u << 20;
  limits.file_bytes = 256u << 20;
  limits.workspace_bytes = 512u << 20;
  limits.workspace_files = 10'000;
  limits.open_files = 1024;
  return limits;
}

/// A podium_run that owns what it points to. Fill in the members, then take raw().
class RunSpec {
 public:
  struct File {
    std::string name;
    int descriptor;  ///< borrowed
    bool read_only;
  };

  std::string id = "r00000000000000000001";
  std::string language = "py";
  std::string code;
  std::string source_name = "main.py";
  std::string standard_input;
  std::vector<std::string> arguments, compile, command, environment;
  std::vector<File> inputs;
  int workspace = -1;       ///< borrowed
  int output = -1;          ///< borrowed
  bool open_input = false;  ///< PODIUM_RUN_OPEN_INPUT
  podium_limits limits = ample_limits();

  /// Valid until a member changes or raw() is called again.
  const podium_run* raw() {
    run_ = podium_run{};
    run_.size = sizeof run_;
    run_.id = bytes(id);
    run_.language = bytes(language);
    run_.code = bytes(code);
    run_.source_name = bytes(source_name);
    run_.standard_input = bytes(standard_input);
    run_.arguments = borrow(arguments, argument_bytes_, run_.argument_count);
    run_.compile = borrow(compile, compile_bytes_, run_.compile_count);
    run_.command = borrow(command, command_bytes_, run_.command_count);
    run_.environment = borrow(environment, environment_bytes_, run_.environment_count);
    inputs_.clear();
    for (const File& file : inputs) {
      inputs_.push_back({sizeof(podium_input), file.descriptor, bytes(file.name), file.read_only});
    }
    run_.inputs = inputs_.data();
    run_.input_count = static_cast<std::uint32_t>(inputs_.size());
    run_.workspace = workspace;
    run_.output = output;
    run_.limits = &limits;
    run_.flags = open_input ? PODIUM_RUN_OPEN_INPUT : 0;
    return &run_;
  }

 private:
  static const podium_bytes* borrow(const std::vector<std::string>& from,
                                    std::vector<podium_bytes>& to, std::uint32_t& count) {
    to.clear();
    for (const std::string& text : from) to.push_back(bytes(text));
    count = static_cast<std::uint32_t>(to.size());
    return to.data();
  }

  std::vector<podium_bytes> argument_bytes_, compile_bytes_, command_bytes_, environment_bytes_;
  std::vector<podium_input> inputs_;
  podium_run run_{};
};

/// The host's side of one run: keeps what it is told and notices broken rules.
class RecordingRun {
 public:
  RecordingRun() = default;
  RecordingRun(const RecordingRun&) = delete;
  RecordingRun& operator=(const RecordingRun&) = delete;

  const podium_run_callbacks* raw() const noexcept { return &callbacks_; }

  /// Whether the run completed before the time-out.
  bool wait(std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return completions_ > 0; });
  }
  /// Whether `text` appeared on stdout before the time-out.
  bool wait_for_output(std::string_view text,
                       std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return out_.find(text) != std::string::npos; });
  }

  std::string out() const { return locked(out_); }
  std::string err() const { return locked(err_); }
  int completions() const { return locked(completions_); }
  /// How often the runtime has said that it takes input again.
  int input_rooms() const { return locked(input_rooms_); }
  /// Whether it said so `times` times before the time-out.
  bool wait_for_input_room(int times = 1,
                           std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return input_rooms_ >= times; });
  }
  /// The last completion; its pointers dangle, message() is a copy.
  podium_completion completion() const { return locked(completion_); }
  std::string message() const { return locked(message_); }
  /// Whether calls overlapped, came after the completion, or named an unknown stream.
  bool broke_rules() const { return locked(broke_rules_); }

 private:
  static void output(void* ctx, std::uint32_t stream, podium_bytes chunk) noexcept {
    auto* self = static_cast<RecordingRun*>(ctx);
    bool overlaps = self->inside_.exchange(true);
    std::lock_guard lock(self->mutex_);
    if (overlaps || self->completions_ > 0 || stream < 1 || stream > 2) {
      self->broke_rules_ = true;
    }
    (stream == 2 ? self->err_ : self->out_) += view(chunk);
    self->inside_ = false;  // under the lock: the test may destroy this object after it
    self->changed_.notify_all();
  }
  static void completed(void* ctx, const podium_completion* completion) noexcept {
    auto* self = static_cast<RecordingRun*>(ctx);
    bool overlaps = self->inside_.exchange(true);
    std::lock_guard lock(self->mutex_);
    if (overlaps || self->completions_ > 0) self->broke_rules_ = true;
    ++self->completions_;
    self->completion_ = *completion;
    self->message_ = view(completion->message);
    self->inside_ = false;  // under the lock: the test may destroy this object after it
    self->changed_.notify_all();
  }

  static void input_room(void* ctx) noexcept {
    auto* self = static_cast<RecordingRun*>(ctx);
    bool overlaps = self->inside_.exchange(true);
    std::lock_guard lock(self->mutex_);
    if (overlaps || self->completions_ > 0) self->broke_rules_ = true;
    ++self->input_rooms_;
    self->inside_ = false;  // under the lock: the test may destroy this object after it
    self->changed_.notify_all();
  }

  template <class T>
  T locked(const T& value) const {
    std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> inside_{false};
  std::string out_, err_, message_;
  int completions_ = 0;
  int input_rooms_ = 0;
  bool broke_rules_ = false;
  podium_completion completion_{};
  podium_run_callbacks callbacks_{
      sizeof(podium_run_callbacks), this, &output, &completed, nullptr, &input_room};
};

}  // namespace podium::sdk::testing
