#pragma once
#include <podium/abi.h>

#include <cstdint>

namespace podium {

/// The sizes of the structs that plugins fill, as ABI 1.0 has them: what a plugin must give at
/// least. A later minor version adds members behind them; tests/sdk/abi_layout.inc pins the layout.
inline constexpr std::uint32_t kPluginSize10 = 48;
inline constexpr std::uint32_t kFactorySize10 = 24;
inline constexpr std::uint32_t kOptionTableSize10 = 16;
inline constexpr std::uint32_t kOptionSize10 = 48;
inline constexpr std::uint32_t kRuntimeSize10 = 64;
inline constexpr std::uint32_t kCompletionSize10 = 96;
inline constexpr std::uint32_t kStorageSize10 = 72;
inline constexpr std::uint32_t kResponseSize10 = 80;
inline constexpr std::uint32_t kExtensionSize10 = 16;  // health, metrics, local-file, maintenance

static_assert(sizeof(podium_plugin) >= kPluginSize10);
static_assert(sizeof(podium_runtime_factory) >= kFactorySize10);
static_assert(sizeof(podium_storage_factory) >= kFactorySize10);
static_assert(sizeof(podium_response_factory) >= kFactorySize10);
static_assert(sizeof(podium_option_table) >= kOptionTableSize10);
static_assert(sizeof(podium_option) >= kOptionSize10);
static_assert(sizeof(podium_runtime) >= kRuntimeSize10);
static_assert(sizeof(podium_completion) >= kCompletionSize10);
static_assert(sizeof(podium_storage) >= kStorageSize10);
static_assert(sizeof(podium_response) >= kResponseSize10);
static_assert(sizeof(podium_health) >= kExtensionSize10);
static_assert(sizeof(podium_metrics) >= kExtensionSize10);
static_assert(sizeof(podium_local_file) >= kExtensionSize10);
static_assert(sizeof(podium_maintenance) >= kExtensionSize10);
static_assert(sizeof(podium_run_input) >= kExtensionSize10);
static_assert(sizeof(podium_output_flow) >= kExtensionSize10);
static_assert(sizeof(podium_event_stream) >= kExtensionSize10);

}  // namespace podium
