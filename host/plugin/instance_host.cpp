#include "plugin/instance_host.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugin/abi_call.hpp"

namespace podium {

InstanceHost::InstanceHost(std::string instance, const HostServices& services)
    : instance_(std::move(instance)),
      services_(services),
      host_{sizeof(podium_host), this, &log_line, &get_extension},
      executor_{sizeof(podium_executor), this, &post},
      sandbox_{sizeof(podium_sandbox), this, &connect} {}

InstanceHost::~InstanceHost() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return tasks_ == 0; });
}

void InstanceHost::log_line(void* ctx, std::uint32_t level, podium_bytes message) noexcept {
  const auto& self = *static_cast<InstanceHost*>(ctx);
  auto known = static_cast<LogLevel>(std::min<std::uint32_t>(level, PODIUM_ERROR));
  if (!self.services_.log.enabled(known)) return;
  try {
    self.services_.log.write(known, to_utf8(to_view(message)), {{"plugin", self.instance_}});
  } catch (...) {
    // Out of memory: a lost line must not end the caller.
  }
}

const void* InstanceHost::get_extension(void* ctx, const char* id) noexcept {
  const auto& self = *static_cast<InstanceHost*>(ctx);
  std::string_view wanted = to_view(id);
  if (wanted == PODIUM_EXT_EXECUTOR && self.services_.post) return &self.executor_;
  if (wanted == PODIUM_EXT_SANDBOX && self.services_.connect_sandbox) return &self.sandbox_;
  return nullptr;
}

podium_code InstanceHost::post(void* ctx, void (*task)(void*), void* arg,
                               podium_error* err) noexcept {
  auto& self = *static_cast<InstanceHost*>(ctx);
  return answer_plugin(err, [&] {
    if (task == nullptr) throw Failure(Code::kInvalidArgument, "the task is NULL");
    {
      std::lock_guard lock(self.mutex_);
      ++self.tasks_;
    }
    try {
      self.services_.post([&self, task, arg] { self.run_task(task, arg); });
    } catch (...) {
      self.task_ended();
      throw;
    }
  });
}

void InstanceHost::run_task(void (*task)(void*), void* arg) noexcept {
  try {
    call_plugin(instance_, "a posted task", [&] { task(arg); });
  } catch (const Failure& f) {
    services_.log.error(f.what(), {{"plugin", instance_}});
  }
  task_ended();
}

void InstanceHost::task_ended() noexcept {
  std::lock_guard lock(mutex_);
  --tasks_;
  idle_.notify_all();  // under the lock: the destructor may free this object after it
}

podium_code InstanceHost::connect(void* ctx, int* descriptor, podium_error* err) noexcept {
  const auto& self = *static_cast<InstanceHost*>(ctx);
  return answer_plugin(err, [&] { *descriptor = self.services_.connect_sandbox().release(); });
}

}  // namespace podium
