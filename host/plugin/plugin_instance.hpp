#pragma once
/// What the wrappers of all kinds share: the life of an ABI struct, its name in messages, health,
/// metrics and the bound of concurrent calls.

#include <podium/abi.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "config/options.hpp"
#include "plugin/abi_call.hpp"
#include "plugin/abi_sizes.hpp"
#include "plugin/init_turn.hpp"
#include "plugin/instance_host.hpp"
#include "plugin/interfaces.hpp"
#include "plugin/library.hpp"

namespace podium {

/// What an instance is made of.
struct InstanceParts {
  std::string name;
  std::shared_ptr<const PluginLibrary> library;
  OptionValues options;
  const HostServices& services;
  /// Held around create and destroy: the ABI promises one [init] call at a time.
  std::shared_ptr<InitTurn> init;
};

/// Lets at most so many calls in at a time; 0: any number. Any thread.
class CallGate {
 public:
  explicit CallGate(std::uint32_t bound) : bound_(bound) {}

  /// A place inside; gives it back at its end.
  class Place {
   public:
    Place() = default;
    explicit Place(CallGate& gate) : gate_(&gate) {}
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Place() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    CallGate* gate_ = nullptr;
  };

  /// Waits for a place.
  Place enter() {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [this] { return bound_ == 0 || inside_ < bound_; });
    ++inside_;
    return Place(*this);
  }
  /// A place, or none when there is none now.
  Place try_enter() {
    std::lock_guard lock(mutex_);
    if (bound_ != 0 && inside_ >= bound_) return {};
    ++inside_;
    return Place(*this);
  }
  std::uint32_t bound() const noexcept { return bound_; }

 private:
  void leave() noexcept {
    std::lock_guard lock(mutex_);
    --inside_;
    free_.notify_one();
  }

  const std::uint32_t bound_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::uint32_t inside_ = 0;
};

/// Checks the size that an extension of an instance says, and that its functions are there; nullptr
/// stays nullptr. Throws Failure.
const void* checked_extension(const std::string& who, const char* id, const void* extension,
                              std::uint32_t least_size);

/// Health and metrics of an instance through its extensions; either may be absent.
class Checkup {
 public:
  Checkup(std::string who, std::string name, const podium_health* health,
          const podium_metrics* metrics, Log& log)
      : who_(std::move(who)),
        name_(std::move(name)),
        health_(health),
        metrics_(metrics),
        log_(&log) {}

  Health health(void* self, milliseconds deadline) const noexcept;
  /// Adds the label plugin="NAME" to each sample, so that two instances of one plugin differ;
  /// leaves out, with a log line, what Prometheus could not read.
  void collect(void* self, const std::function<void(const Metrics::Sample&)>& each) const;

 private:
  std::string who_, name_;
  const podium_health* health_;
  const podium_metrics* metrics_;
  Log* log_;
};

/// The ABI struct of one instance (podium_runtime, podium_storage or podium_response) from create
/// to destroy.
template <class Factory, class Interface>
class AbiInstance {
 public:
  /// Calls create. Throws Failure: what the plugin said, or which rule of the ABI it broke.
  /// `complete` names the first function pointer that is missing, nullptr when all are there.
  AbiInstance(InstanceParts parts, std::uint32_t flags, std::uint32_t least_size,
              const char* (*complete)(const Interface&))
      : name_(parts.name),
        who_(std::string(to_string(parts.library->kind())) + " \"" + name_ + "\""),
        library_(parts.library),
        init_(parts.init),
        host_(std::make_unique<InstanceHost>(name_, parts.services)) {
    const auto* factory = static_cast<const Factory*>(library_->factory());
    const podium_config config = parts.options.config();
    abi_.size = sizeof abi_;
    const InitTurn::Held turn = init_->take(library_->path());
    call_plugin_for_code(who_, "create", [&](podium_error* err) {
      return factory->create(host_->abi(), &config, flags, &abi_, err);
    });
    check_interface(least_size, complete);
  }
  AbiInstance(const AbiInstance&) = delete;
  AbiInstance& operator=(const AbiInstance&) = delete;

  ~AbiInstance() {
    try {
      const InitTurn::Held turn = init_->take(library_->path());
      destroy();
    } catch (const Failure& f) {
      // It cannot be called, so it lives on, and with it what it was given.
      log().error(std::string("an instance is left behind: ") + f.what(), {{"plugin", name_}});
      static_cast<void>(host_.release());
      return;
    }
    host_.reset();  // waits for the instance's tasks, without the turn
  }

  const Interface* operator->() const noexcept { return &abi_; }
  void* self() const noexcept { return abi_.self; }
  const std::string& name() const noexcept { return name_; }
  const std::string& plugin_id() const noexcept { return library_->id(); }
  /// `runtime "pods"`, for messages.
  const std::string& who() const noexcept { return who_; }
  Log& log() const noexcept { return host_->log(); }

  /// One of its extensions, nullptr when it is not offered. Throws Failure.
  template <class T>
  const T* extension(const char* id) const {
    if (abi_.get_extension == nullptr) return nullptr;
    const void* found = nullptr;
    call_plugin(who_, "get_extension", [&] { found = abi_.get_extension(abi_.self, id); });
    static_assert(kLeastExtensionSize<T> > 0);
    return static_cast<const T*>(checked_extension(who_, id, found, kLeastExtensionSize<T>));
  }
  Checkup checkup() const {
    return {who_, name_, extension<podium_health>(PODIUM_EXT_HEALTH),
            extension<podium_metrics>(PODIUM_EXT_METRICS), log()};
  }

 private:
  void check_interface(std::uint32_t least_size, const char* (*complete)(const Interface&)) {
    std::string reason;
    if (abi_.size < least_size || abi_.size > sizeof abi_) {
      reason = "create left an interface of " + std::to_string(abi_.size) + " bytes, expected " +
               std::to_string(least_size) + " to " + std::to_string(sizeof abi_);
    } else if (const char* missing = complete(abi_)) {
      reason = std::string("create left its function ") + missing + " NULL";
      destroy();
    }
    if (!reason.empty()) throw Failure(Code::kInternal, who_ + ": " + reason);
  }

  void destroy() noexcept {
    if (abi_.destroy == nullptr) return;
    try {
      call_plugin(who_, "destroy", [&] { abi_.destroy(abi_.self); });
    } catch (const Failure& f) {
      log().error(f.what());
    }
  }

  const std::string name_;
  const std::string who_;
  const std::shared_ptr<const PluginLibrary> library_;
  const std::shared_ptr<InitTurn> init_;
  std::unique_ptr<InstanceHost> host_;
  Interface abi_{};
};

/// What the instances of a `Kind` (Storage, Response) answer in the same way over their ABI struct.
/// A runtime is not made of it: what it still hears after its runs must outlive the plugin.
template <class Kind, class Factory, class Interface>
class PluginInstance : public Kind {
 public:
  const std::string& name() const noexcept final { return abi_.name(); }
  const std::string& plugin_id() const noexcept final { return abi_.plugin_id(); }
  Health check_health(milliseconds deadline) noexcept final {
    return checkup_.health(abi_.self(), deadline);
  }
  void collect_metrics(const std::function<void(const Metrics::Sample&)>& each) final {
    checkup_.collect(abi_.self(), each);
  }

 protected:
  using Abi = AbiInstance<Factory, Interface>;

  /// As AbiInstance. Throws Failure.
  PluginInstance(InstanceParts parts, std::uint32_t least_size,
                 const char* (*complete)(const Interface&))
      : abi_(std::move(parts), 0, least_size, complete), checkup_(abi_.checkup()) {}

  Abi abi_;

 private:
  Checkup checkup_;
};

/// Creates an instance of the library's kind. Throws Failure.
std::shared_ptr<Instance> make_instance(InstanceParts parts);
std::shared_ptr<Instance> make_runtime(InstanceParts parts);
std::shared_ptr<Instance> make_storage(InstanceParts parts);
std::shared_ptr<Instance> make_response(InstanceParts parts);

/// The pre-flight of one instance: create in a dry run, then destroy. Throws Failure.
void check_instance(InstanceParts parts);
void check_runtime(InstanceParts parts);
void check_storage(InstanceParts parts);
void check_response(InstanceParts parts);

}  // namespace podium
