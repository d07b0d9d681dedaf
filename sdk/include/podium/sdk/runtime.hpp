#pragma once
/// Kind runtime: runs one program, streams its output, leaves its files.

#include <podium/sdk/extensions.hpp>
#include <podium/sdk/host.hpp>
#include <podium/sdk/options.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podium::sdk {

/// An input file of a run; see podium_input.
struct InputView {
  std::string_view name;
  int descriptor = -1;  ///< borrowed
  bool read_only = false;
};

/// One program to run, borrowed for the call of start: copy strings and duplicate descriptors to
/// keep them. See podium_run for what each means.
class RunView {
 public:
  explicit RunView(const podium_run* run) noexcept : run_(run) {}

  std::string_view id() const noexcept { return view(run_->id); }
  std::string_view language() const noexcept { return view(run_->language); }
  std::string_view code() const noexcept { return view(run_->code); }
  std::string_view source_name() const noexcept { return view(run_->source_name); }
  std::string_view standard_input() const noexcept { return view(run_->standard_input); }
  std::vector<std::string_view> arguments() const {
    return detail::views(run_->arguments, run_->argument_count);
  }
  std::vector<std::string_view> compile() const {
    return detail::views(run_->compile, run_->compile_count);
  }
  std::vector<std::string_view> command() const {
    return detail::views(run_->command, run_->command_count);
  }
  /// "NAME=value".
  std::vector<std::string_view> environment() const {
    return detail::views(run_->environment, run_->environment_count);
  }
  std::vector<InputView> inputs() const {
    std::vector<InputView> out;
    out.reserve(run_->input_count);
    for (std::uint32_t i = 0; i < run_->input_count; ++i) {
      const podium_input& input = detail::element(run_->inputs, i);
      out.push_back({view(input.name), input.descriptor, input.read_only});
    }
    return out;
  }
  /// Whether the standard input stays open behind standard_input(), for RunInput.
  bool open_input() const noexcept {
    return PODIUM_HAS(run_, flags) && (run_->flags & PODIUM_RUN_OPEN_INPUT) != 0;
  }
  int workspace() const noexcept { return run_->workspace; }
  int output() const noexcept { return run_->output; }
  const podium_limits& limits() const noexcept { return *run_->limits; }
  const podium_run* raw() const noexcept { return run_; }

 private:
  const podium_run* run_;
};

/// A completion with nothing to tell yet: code PODIUM_OK, exit code -1, no descriptors. For a
/// runtime to fill in; its message and descriptors are borrowed from the runtime.
constexpr podium_completion empty_completion() noexcept {
  podium_completion completion{};
  completion.size = sizeof completion;
  completion.code = PODIUM_OK;
  completion.exit_code = -1;
  completion.changes = -1;
  completion.merged = -1;
  return completion;
}

/// What the host wants to hear of a run. Cheap to copy, valid until release. Any thread, but never
/// two calls at once for one run.
class Callbacks {
 public:
  explicit Callbacks(const podium_run_callbacks* callbacks) noexcept : callbacks_(callbacks) {}

  /// `stream` 1 out, 2 err; at most limits().output_bytes of each.
  void output(std::uint32_t stream, std::string_view chunk) const noexcept {
    callbacks_->output(callbacks_->ctx, stream, bytes(chunk));
  }
  /// The run has come to this phase; a host that does not ask is not told.
  void phase(podium_phase phase) const noexcept {
    if (PODIUM_HAS(callbacks_, phase) && callbacks_->phase != nullptr) {
      callbacks_->phase(callbacks_->ctx, static_cast<std::uint32_t>(phase));
    }
  }
  /// What RunInput::write_input refused may be given again now; see podium_run_callbacks. A host
  /// that does not ask is not told.
  void input_room() const noexcept {
    if (PODIUM_HAS(callbacks_, input_room) && callbacks_->input_room != nullptr) {
      callbacks_->input_room(callbacks_->ctx);
    }
  }
  /// Exactly once, the last call; the lease may be released before it returns.
  void completed(const podium_completion& completion) const noexcept {
    callbacks_->completed(callbacks_->ctx, &completion);
  }

 private:
  const podium_run_callbacks* callbacks_;
};

/// A lease is whatever the runtime wants it to be; these cast to and fro.
template <class T>
podium_lease* to_lease(T* run) noexcept {
  return reinterpret_cast<podium_lease*>(run);
}
template <class T>
T* from_lease(podium_lease* lease) noexcept {
  return reinterpret_cast<T*>(lease);
}

/// A runtime that is asynchronous by itself. For one that blocks see BlockingRuntime.
/// All functions: any thread, concurrently.
class Runtime {
 public:
  virtual ~Runtime() = default;

  /// Runs at a time; 0: no bound. Constant.
  virtual std::uint32_t max_concurrency() const noexcept { return 0; }
  /// Whether completions name a directory of changes, so that run.output() is not needed. Constant.
  virtual bool own_workspace() const noexcept { return false; }

  /// Begins a run and returns without waiting for it. Sets `lease` before the first callback, which
  /// may come before start returns. Throwing means that nothing was started and no callback will
  /// come; Error(PODIUM_UNAVAILABLE) lets the host try the next runtime of the language.
  virtual void start(const RunView& run, const Callbacks& callbacks, podium_lease*& lease) = 0;
  /// Ends the run at once; completed still comes, soon. Harmless when it has ended already.
  virtual void cancel(podium_lease* lease) noexcept = 0;
  /// After completed: frees the lease. Must not wait for the end of processes or directories.
  virtual void release(podium_lease* lease) noexcept = 0;

  /// An extension of the author's own by id; its functions get a pointer to the plugin class.
  virtual const void* extension(const char* /*id*/) noexcept { return nullptr; }
};

namespace detail {

template <class T>
struct RuntimeThunks {
  static podium_code start(void* self, const podium_run* run, const podium_run_callbacks* callbacks,
                           podium_lease** lease, podium_error* err) noexcept {
    podium_code code = guard(
        err, [&] { static_cast<T*>(self)->start(RunView(run), Callbacks(callbacks), *lease); });
    if (code != PODIUM_OK) *lease = nullptr;
    return code;
  }
  static void cancel(void* self, podium_lease* lease) noexcept {
    static_cast<T*>(self)->cancel(lease);
  }
  static void release(void* self, podium_lease* lease) noexcept {
    static_cast<T*>(self)->release(lease);
  }
  static void destroy(void* self) noexcept { delete static_cast<T*>(self); }

  static podium_runtime interface(T* self) {
    return {sizeof(podium_runtime),
            self != nullptr ? self->max_concurrency() : 0,
            self,
            self != nullptr && self->own_workspace(),
            &start,
            &cancel,
            &release,
            &ExtensionThunks<T>::get,
            &destroy};
  }
};

}  // namespace detail
}  // namespace podium::sdk
