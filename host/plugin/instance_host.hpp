#pragma once
#include <podium/abi.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "plugin/generation.hpp"

namespace podium {

/// The podium_host of one instance: its log, the host's pool, the way to the spawner, the I/O
/// thread.
///
/// Outlives the instance; its destructor waits for the tasks that the instance has posted, and ends
/// the watches that it has forgotten. Any thread.
class InstanceHost {
 public:
  InstanceHost(std::string instance, const HostServices& services);
  ~InstanceHost();
  InstanceHost(const InstanceHost&) = delete;
  InstanceHost& operator=(const InstanceHost&) = delete;

  const podium_host* abi() const noexcept { return &host_; }
  Log& log() const noexcept { return services_.log; }

 private:
  static void log_line(void* ctx, std::uint32_t level, podium_bytes message) noexcept;
  static const void* get_extension(void* ctx, const char* id) noexcept;
  static podium_code post(void* ctx, void (*task)(void*), void* arg, podium_error* err) noexcept;
  static podium_code connect(void* ctx, int* descriptor, podium_error* err) noexcept;
  static podium_code watch(void* ctx, int descriptor, void (*ready)(void*), void (*ended)(void*),
                           void* arg, podium_watch** watch, podium_error* err) noexcept;
  static void unwatch(void* ctx, podium_watch* watch) noexcept;

  void run_task(void (*task)(void*), void* arg) noexcept;
  void task_ended() noexcept;
  void call(const char* what, void (*function)(void*), void* arg) noexcept;

  const std::string instance_;
  const HostServices services_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t tasks_ = 0;
  std::map<const void*, std::unique_ptr<DescriptorWatcher::Watch>> watches_;
  const podium_host host_;
  const podium_executor executor_;
  const podium_sandbox sandbox_;
  const podium_io_thread io_thread_;
};

}  // namespace podium
