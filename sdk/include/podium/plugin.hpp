#pragma once
/// The C++20 face of abi.h for plugin authors. Header-only: the author's own compiler compiles it,
/// and only abi.h is binary contract.
///
/// A plugin is one class. Derive from Runtime, BlockingRuntime, Storage or Response; give it a
/// constructor (Host, const Options&), a table `static constexpr podium_option kOptions[]` when it
/// has options, and, for the pre-flight, `static void check(const Options&)` when its options can
/// be wrong in a way that a table cannot say. Derive from Health, Metrics, LocalFile or Maintenance
/// too for those abilities. Then, once and outside every namespace:
///
///     PODIUM_RESPONSE_PLUGIN(Beat, "org.example.beat", "1.0.0", "Keeps connections alive");
///
/// Throw podium::sdk::Error to fail with a meaning; any other exception becomes PODIUM_INTERNAL.
/// Nothing a plugin throws ever crosses to the host.

#include <podium/sdk/blocking_runtime.hpp>
#include <podium/sdk/export.hpp>
#include <podium/sdk/extensions.hpp>
#include <podium/sdk/host.hpp>
#include <podium/sdk/options.hpp>
#include <podium/sdk/response.hpp>
#include <podium/sdk/runtime.hpp>
#include <podium/sdk/storage.hpp>
#include <podium/sdk/values.hpp>
