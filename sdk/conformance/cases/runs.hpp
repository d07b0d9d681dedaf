#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>

#include "../plugin.hpp"

namespace podium::conform {

/// The host's side of one run: keeps what it is told, and which rules were broken.
class Watched {
 public:
  Watched() = default;
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  const podium_run_callbacks* raw() const noexcept { return &callbacks_; }
  bool wait(std::chrono::milliseconds limit);
  /// Whether stdout came to hold `text`, or so many bytes, before the limit.
  bool wait_for(std::string_view text, std::chrono::milliseconds limit);
  bool wait_for_bytes(std::size_t count, std::chrono::milliseconds limit);
  /// Called with each piece of output, on the plugin's thread. Before the start only.
  void at_output(std::function<void()> then) { at_output_ = std::move(then); }

  std::string out() const { return locked(out_); }
  std::string err() const { return locked(err_); }
  podium_completion completion() const { return locked(completion_); }
  std::uint32_t completion_size() const { return locked(completion_size_); }
  std::string message() const { return locked(message_); }
  int completions() const { return locked(completions_); }
  int late_outputs() const { return locked(late_outputs_); }
  int overlaps() const { return locked(overlaps_); }
  int unknown_streams() const { return locked(unknown_streams_); }

 private:
  static void on_output(void* ctx, std::uint32_t stream, podium_bytes chunk) noexcept;
  static void on_completed(void* ctx, const podium_completion* completion) noexcept;

  template <class T>
  T locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> inside_{0};
  std::function<void()> at_output_;
  std::string out_, err_, message_;
  podium_completion completion_{};
  std::uint32_t completion_size_ = 0;
  int completions_ = 0, late_outputs_ = 0, overlaps_ = 0, unknown_streams_ = 0;
  podium_run_callbacks callbacks_{
      sizeof(podium_run_callbacks), this, &on_output, &on_completed, nullptr, nullptr};
};

/// What a run gets beside its code.
struct Given {
  podium_limits limits = sdk::testing::ample_limits();
  std::string standard_input;
  bool open_input = false;
  std::function<void(podium_lease*)> at_output;  ///< see Watched::at_output
};

/// One run of an instance: started, waited for, released at the end.
class OneRun {
 public:
  OneRun(Context& context, MadeRuntime& made, const std::string& code, Given given = {});
  ~OneRun();
  OneRun(const OneRun&) = delete;
  OneRun& operator=(const OneRun&) = delete;

  const Answer& started() const noexcept { return started_; }
  Watched& seen() noexcept { return *seen_; }
  void cancel();
  podium_lease* lease() const noexcept { return lease_; }
  /// Waits for the completion. Throws Broken, and lets go of the instance, when it does not come.
  void wait(std::chrono::milliseconds limit = std::chrono::seconds(20));
  /// Started, or Broken; then wait().
  void complete();
  /// After the completion; what the destructor does otherwise.
  void release();

 private:
  MadeRuntime& made_;
  std::unique_ptr<Watched> seen_ = std::make_unique<Watched>();
  sdk::testing::RunSpec spec_;
  sdk::Descriptor output_;
  Answer started_;
  podium_lease* lease_ = nullptr;
};

/// Between a cause and the end that it has, on a busy machine.
inline constexpr std::chrono::milliseconds kSoon{5000};

/// A runtime to judge.
struct RuntimeSubject {
  explicit RuntimeSubject(Context& context);
  Library library;
  std::unique_ptr<MadeRuntime> made;
};

/// What the command line names. Throw NotRun.
const std::string& program_of(const Context& context);
const std::string& forever_of(const Context& context);
const std::string& echo_of(const Context& context);

}  // namespace podium::conform
