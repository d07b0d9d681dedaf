#include <podium/abi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/abi_sizes.hpp"
#include "plugin/plugin_instance.hpp"
#include "plugin/run_channel.hpp"

namespace podium {
namespace {

using AbiRuntime = AbiInstance<podium_runtime_factory, podium_runtime>;

const char* missing_function(const podium_runtime& runtime) {
  if (runtime.start == nullptr) return "start";
  if (runtime.cancel == nullptr) return "cancel";
  if (runtime.release == nullptr) return "release";
  if (runtime.destroy == nullptr) return "destroy";
  return nullptr;
}

/// A podium_run that points into a RunRequest.
class AbiRun {
 public:
  explicit AbiRun(const RunRequest& request) {
    const Limits& from = request.limits;
    limits_ = {sizeof(podium_limits),
               from.cpu_millis,
               from.wall.count(),
               from.compile_wall.count(),
               from.memory,
               from.processes,
               from.output,
               from.file_size,
               from.workspace,
               from.workspace_files,
               from.open_files,
               from.compile_memory,
               from.compile_processes,
               from.compile_cpu_millis,
               0};
    for (const RunInput& input : request.inputs) {
      inputs_.push_back(
          {sizeof(podium_input), input.descriptor, to_bytes(input.name), input.read_only});
    }
    run_.size = sizeof run_;
    run_.id = to_bytes(request.id);
    run_.language = to_bytes(request.language);
    run_.code = to_bytes(request.code);
    run_.source_name = to_bytes(request.source_name);
    run_.arguments = borrow(request.arguments, arguments_, run_.argument_count);
    run_.compile = borrow(request.compile, compile_, run_.compile_count);
    run_.command = borrow(request.command, command_, run_.command_count);
    run_.environment = borrow(request.environment, environment_, run_.environment_count);
    run_.inputs = inputs_.data();
    run_.input_count = static_cast<std::uint32_t>(inputs_.size());
    run_.standard_input = to_bytes(request.standard_input);
    run_.workspace = request.workspace;
    run_.output = request.output;
    run_.limits = &limits_;
    run_.flags = request.open_input ? PODIUM_RUN_OPEN_INPUT : 0u;
  }
  AbiRun(const AbiRun&) = delete;
  AbiRun& operator=(const AbiRun&) = delete;

  const podium_run* get() const noexcept { return &run_; }

 private:
  using Words = std::vector<podium_bytes>;
  static const podium_bytes* borrow(const std::vector<std::string>& from, Words& to,
                                    std::uint32_t& count) {
    to.reserve(from.size());
    for (const std::string& word : from) to.push_back(to_bytes(word));
    count = static_cast<std::uint32_t>(to.size());
    return to.data();
  }

  podium_limits limits_{};
  std::vector<podium_input> inputs_;
  Words arguments_, compile_, command_, environment_;
  podium_run run_{};
};

/// What leases need of their runtime; leases end before it.
struct RuntimeCore {
  explicit RuntimeCore(InstanceParts parts)
      : abi(std::move(parts), 0, kRuntimeSize10, &missing_function),
        gate(abi->max_concurrency),
        checkup(abi.checkup()),
        input(abi.extension<podium_run_input>(PODIUM_EXT_RUN_INPUT)),
        flow(abi.extension<podium_output_flow>(PODIUM_EXT_OUTPUT_FLOW)) {}

  RunQuarantine quarantine;  // first, so that it ends after the plugin's threads have
  AbiRuntime abi;
  CallGate gate;
  Checkup checkup;
  const podium_run_input* const input;  // nullptr: not offered
  const podium_output_flow* const flow;
};

class PluginLease final : public Lease {
 public:
  PluginLease(RuntimeCore& core, std::unique_ptr<RunChannel> channel, CallGate::Place place)
      : core_(core), channel_(std::move(channel)), place_(std::move(place)) {}

  ~PluginLease() override {
    if (!channel_->completed()) cancel();
    channel_->wait();
    if (handle_set_) {
      guarded("release", [this] { core_.abi->release(core_.abi.self(), handle_); });
    }
    core_.quarantine.add(std::move(channel_));
  }

  /// Calls start; see Runtime::start.
  void start(const RunRequest& request) {
    AbiRun run(request);
    try {
      call_plugin_for_code(core_.abi.who(), "start", [&](podium_error* err) {
        return core_.abi->start(core_.abi.self(), run.get(), channel_->callbacks(), &handle_, err);
      });
      handle_set_ = true;
    } catch (const Failure& f) {
      if (channel_->close()) throw;
      // The run has been told to be over already: to fail now would end it twice.
      core_.abi.log().error(std::string("start failed after its completion, against the ABI: ") +
                            f.what());
    }
  }

  void cancel() noexcept override {
    if (!handle_set_) return;
    guarded("cancel", [this] { core_.abi->cancel(core_.abi.self(), handle_); });
  }

  bool holds_output() const noexcept override { return core_.flow != nullptr; }

  /// Called from within output too, when start may not have returned: the handle is set by then.
  void hold_output(bool held) noexcept override {
    if (core_.flow == nullptr) return;
    guarded("hold", [&] { core_.flow->hold(core_.abi.self(), handle_, held); });
  }

  bool write_input(std::string_view data) override {
    if (!talks()) return true;
    podium_code code = PODIUM_OK;
    call_plugin_for_code(core_.abi.who(), "write", [&](podium_error* err) {
      code = core_.input->write(core_.abi.self(), handle_, to_bytes(data), err);
      return code == PODIUM_RESOURCE_EXHAUSTED ? PODIUM_OK : code;
    });
    return code == PODIUM_OK;
  }

  bool tells_input_room() const noexcept override {
    return talks() && PODIUM_HAS(core_.input, tells_room) && core_.input->tells_room == 1;
  }

  void close_input() override {
    if (!talks()) return;
    guarded("close", [&] { core_.input->close(core_.abi.self(), handle_); });
  }

  void signal(int number) override {
    if (!talks()) return;
    call_plugin_for_code(core_.abi.who(), "signal", [&](podium_error* err) {
      return core_.input->signal(core_.abi.self(), handle_, number, err);
    });
  }

 private:
  bool talks() const noexcept { return core_.input != nullptr && handle_set_; }

  template <class F>
  void guarded(const char* what, F&& body) noexcept {
    try {
      call_plugin(core_.abi.who(), what, std::forward<F>(body));
    } catch (const Failure& f) {
      core_.abi.log().error(f.what());
    }
  }

  RuntimeCore& core_;
  std::unique_ptr<RunChannel> channel_;
  CallGate::Place place_;  // given back last
  podium_lease* handle_ = nullptr;
  bool handle_set_ = false;
};

class PluginRuntime final : public Runtime {
 public:
  explicit PluginRuntime(InstanceParts parts) : core_(std::move(parts)) {}

  const std::string& name() const noexcept override { return core_.abi.name(); }
  const std::string& plugin_id() const noexcept override { return core_.abi.plugin_id(); }
  Health check_health(milliseconds deadline) noexcept override {
    return core_.checkup.health(core_.abi.self(), deadline);
  }
  void collect_metrics(const std::function<void(const Metrics::Sample&)>& each) override {
    core_.checkup.collect(core_.abi.self(), each);
  }
  bool own_workspace() const noexcept override { return core_.abi->own_workspace; }
  bool takes_input() const noexcept override { return core_.input != nullptr; }

  std::unique_ptr<Lease> start(const RunRequest& request, RunEvents& events) override {
    CallGate::Place place = core_.gate.try_enter();
    if (!place) {
      throw Failure(Code::kUnavailable, core_.abi.who() + ": runs its " +
                                            std::to_string(core_.gate.bound()) +
                                            " runs at a time already");
    }
    auto channel = std::make_unique<RunChannel>(core_.abi.who(), request.id, events,
                                                request.limits.output, core_.abi.log());
    auto lease = std::make_unique<PluginLease>(core_, std::move(channel), std::move(place));
    events.on_lease(*lease);
    lease->start(request);
    return lease;
  }

 private:
  RuntimeCore core_;
};

}  // namespace

std::shared_ptr<Instance> make_runtime(InstanceParts parts) {
  return std::make_shared<PluginRuntime>(std::move(parts));
}

void check_runtime(InstanceParts parts) {
  AbiRuntime dry(std::move(parts), PODIUM_DRY_RUN, kRuntimeSize10, &missing_function);
}

}  // namespace podium
