#pragma once
/// From a class to the one symbol a plugin exports.

#include <podium/sdk/response.hpp>
#include <podium/sdk/runtime.hpp>
#include <podium/sdk/storage.hpp>

#include <concepts>
#include <cstring>
#include <memory>
#include <span>

namespace podium::sdk::detail {

template <class T>
std::span<const podium_option> options_of() {
  if constexpr (requires { T::options(); }) {
    return T::options();
  } else if constexpr (requires { T::kOptions; }) {
    return T::kOptions;
  } else {
    return {};
  }
}

template <class T>
const podium_option_table* option_table() {
  static const podium_option_table table{sizeof(podium_option_table),
                                         static_cast<std::uint32_t>(options_of<T>().size()),
                                         options_of<T>().data()};
  return &table;
}

/// The pre-flight of a class: its check(), when it has one.
template <class T>
void dry_run(const Host& host, const Options& options) {
  if constexpr (requires { T::check(host, options); }) {
    T::check(host, options);
  } else if constexpr (requires { T::check(options); }) {
    T::check(options);
  }
}

/// create of a factory of any kind. `Thunks::interface` makes the struct of that kind.
template <class T, class Interface, template <class> class Thunks>
podium_code create(const podium_host* host, const podium_config* config, std::uint32_t flags,
                   Interface* out, podium_error* err) noexcept {
  static_assert(std::constructible_from<T, Host, const Options&>,
                "a plugin class needs a constructor (podium::sdk::Host, const Options&)");
  return guard(err, [&] {
    if (out->size < sizeof(Interface)) {
      throw Error(PODIUM_UNSUPPORTED, "the host's interface has " + std::to_string(out->size) +
                                          " bytes, this plugin needs " +
                                          std::to_string(sizeof(Interface)));
    }
    if ((flags & PODIUM_DRY_RUN) != 0) {
      dry_run<T>(Host(host), Options(config));
      *out = Thunks<T>::interface(nullptr);
      return;
    }
    auto self = std::make_unique<T>(Host(host), Options(config));
    *out = Thunks<T>::interface(self.get());
    self.release();
  });
}

template <class T>
struct RuntimeKind {
  static_assert(std::derived_from<T, Runtime>, "derive from podium::sdk::Runtime");
  static constexpr const char* kId = PODIUM_FACTORY_RUNTIME;
  static const void* factory() {
    static const podium_runtime_factory factory{sizeof(podium_runtime_factory), 0,
                                                option_table<T>(),
                                                &create<T, podium_runtime, RuntimeThunks>};
    return &factory;
  }
};

template <class T>
struct StorageKind {
  static_assert(std::derived_from<T, Storage>, "derive from podium::sdk::Storage");
  static constexpr const char* kId = PODIUM_FACTORY_STORAGE;
  static const void* factory() {
    static const podium_storage_factory factory{sizeof(podium_storage_factory), 0,
                                                option_table<T>(),
                                                &create<T, podium_storage, StorageThunks>};
    return &factory;
  }
};

template <class T>
struct ResponseKind {
  static_assert(std::derived_from<T, Response>, "derive from podium::sdk::Response");
  static constexpr const char* kId = PODIUM_FACTORY_RESPONSE;
  static const void* factory() {
    static const podium_response_factory factory{sizeof(podium_response_factory), 0,
                                                 option_table<T>(),
                                                 &create<T, podium_response, ResponseThunks>};
    return &factory;
  }
};

template <class Kind>
const void* get_factory(const char* id) noexcept {
  try {
    return std::strcmp(id, Kind::kId) == 0 ? Kind::factory() : nullptr;
  } catch (...) {
    return nullptr;  // options() threw: the host says that no kind is offered
  }
}

}  // namespace podium::sdk::detail

// The declaration in abi.h gives the symbol its linkage and visibility; constinit because the host
// reads it before it runs any code of the plugin.
#define PODIUM_DETAIL_PLUGIN(Kind, id, version, description)               \
  constinit const podium_plugin podium_plugin_v1 = {sizeof(podium_plugin), \
                                                    PODIUM_ABI_MAJOR,      \
                                                    PODIUM_ABI_MINOR,      \
                                                    0,                     \
                                                    id,                    \
                                                    version,               \
                                                    description,           \
                                                    &::podium::sdk::detail::get_factory<Kind>}

/// The plugin's symbol; once per library, outside every namespace. `id` is reverse DNS,
/// `description` one line.
#define PODIUM_RUNTIME_PLUGIN(Class, id, version, description) \
  PODIUM_DETAIL_PLUGIN(::podium::sdk::detail::RuntimeKind<Class>, id, version, description)
#define PODIUM_STORAGE_PLUGIN(Class, id, version, description) \
  PODIUM_DETAIL_PLUGIN(::podium::sdk::detail::StorageKind<Class>, id, version, description)
#define PODIUM_RESPONSE_PLUGIN(Class, id, version, description) \
  PODIUM_DETAIL_PLUGIN(::podium::sdk::detail::ResponseKind<Class>, id, version, description)
