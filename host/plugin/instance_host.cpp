#include "plugin/instance_host.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "plugin/abi_call.hpp"

namespace podium {

InstanceHost::InstanceHost(std::string instance, const HostServices& services)
    : instance_(std::move(instance)),
      services_(services),
      host_{sizeof(podium_host), this, &log_line, &get_extension},
      executor_{sizeof(podium_executor), this, &post},
      sandbox_{sizeof(podium_sandbox), this, &connect},
      io_thread_{sizeof(podium_io_thread), this, &watch, &unwatch} {}

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
  if (wanted == PODIUM_EXT_IO_THREAD && self.services_.watcher != nullptr) return &self.io_thread_;
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
  call("a posted task", task, arg);
  task_ended();
}

void InstanceHost::call(const char* what, void (*function)(void*), void* arg) noexcept {
  try {
    call_plugin(instance_, what, [&] { function(arg); });
  } catch (const Failure& f) {
    services_.log.error(f.what(), {{"plugin", instance_}});
  }
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

podium_code InstanceHost::watch(void* ctx, int descriptor, void (*ready)(void*),
                                void (*ended)(void*), void* arg, podium_watch** watch,
                                podium_error* err) noexcept {
  auto& self = *static_cast<InstanceHost*>(ctx);
  return answer_plugin(err, [&] {
    if (ready == nullptr || ended == nullptr || watch == nullptr) {
      throw Failure(Code::kInvalidArgument, "ready, ended or watch is NULL");
    }
    UniqueFd own(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!own) {
      throw Failure(errno == EBADF ? Code::kInvalidArgument : Code::kUnavailable,
                    "the descriptor: " + std::generic_category().message(errno));
    }
    auto made = self.services_.watcher->watch(
        std::move(own), [&self, ready, arg] { self.call("ready of a watch", ready, arg); },
        [&self, ended, arg] { self.call("ended of a watch", ended, arg); });
    const void* const name = made.get();
    const std::lock_guard lock(self.mutex_);
    self.watches_.emplace(name, std::move(made));
    *watch = static_cast<podium_watch*>(const_cast<void*>(name));
  });
}

void InstanceHost::unwatch(void* ctx, podium_watch* watch) noexcept {
  auto& self = *static_cast<InstanceHost*>(ctx);
  std::unique_ptr<DescriptorWatcher::Watch> over;  // ends outside the lock, which its call may want
  const std::lock_guard lock(self.mutex_);
  const auto at = self.watches_.find(watch);
  if (at == self.watches_.end()) return;
  over = std::move(at->second);
  self.watches_.erase(at);
}

}  // namespace podium
