#pragma once
#include <podium/sdk/export.hpp>

#include <string>

namespace podium::sdk::testing {

/// An instance made by a factory as the host makes it, destroyed at the end.
template <class Factory, class Interface>
class Instance {
 public:
  /// Throws Error with the code and message of a create that failed.
  Instance(const void* factory, const podium_host* host, const podium_config* config,
           std::uint32_t flags = 0) {
    interface_.size = sizeof interface_;
    podium_error err{};
    err.size = sizeof err;
    podium_code code =
        static_cast<const Factory*>(factory)->create(host, config, flags, &interface_, &err);
    if (code != PODIUM_OK) throw Error(code, err.message);
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() { interface_.destroy(interface_.self); }

  const Interface* operator->() const noexcept { return &interface_; }
  void* self() const noexcept { return interface_.self; }

  /// One of the instance's extensions, nullptr when it has no such.
  template <class T>
  const T* extension(const char* id) const {
    if (interface_.get_extension == nullptr) return nullptr;
    return static_cast<const T*>(interface_.get_extension(interface_.self, id));
  }

 private:
  Interface interface_{};
};

/// A plugin class made as the host would make it, without a library.
template <class T>
class RuntimeInstance : public Instance<podium_runtime_factory, podium_runtime> {
 public:
  RuntimeInstance(const podium_host* host, const podium_config* config, std::uint32_t flags = 0)
      : Instance(detail::RuntimeKind<T>::factory(), host, config, flags) {}
};
template <class T>
class StorageInstance : public Instance<podium_storage_factory, podium_storage> {
 public:
  StorageInstance(const podium_host* host, const podium_config* config, std::uint32_t flags = 0)
      : Instance(detail::StorageKind<T>::factory(), host, config, flags) {}
};
template <class T>
class ResponseInstance : public Instance<podium_response_factory, podium_response> {
 public:
  ResponseInstance(const podium_host* host, const podium_config* config, std::uint32_t flags = 0)
      : Instance(detail::ResponseKind<T>::factory(), host, config, flags) {}
};

/// Calls `function` with an error's storage at the end of its arguments; throws Error when it
/// fails. `call(instance->put, instance.self(), key, source)`.
template <class... Parameters, class... Arguments>
void call(podium_code (*function)(Parameters...), Arguments&&... arguments) {
  podium_error err{};
  err.size = sizeof err;
  podium_code code = function(std::forward<Arguments>(arguments)..., &err);
  if (code != PODIUM_OK) throw Error(code, err.message);
}

}  // namespace podium::sdk::testing
