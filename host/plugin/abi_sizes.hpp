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

/// The same of an extension as it first was. Each is a size (and padding) and then nothing but
/// functions, all of which must be there.
template <class Extension>
inline constexpr std::uint32_t kLeastExtensionSize = 0;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_health> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_metrics> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_local_file> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_adopt_file> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_put_parts> = 48;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_maintenance> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_run_input> = 32;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_output_flow> = 16;
template <>
inline constexpr std::uint32_t kLeastExtensionSize<podium_event_stream> = 16;

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
static_assert(sizeof(podium_health) >= kLeastExtensionSize<podium_health>);
static_assert(sizeof(podium_metrics) >= kLeastExtensionSize<podium_metrics>);
static_assert(sizeof(podium_local_file) >= kLeastExtensionSize<podium_local_file>);
static_assert(sizeof(podium_adopt_file) >= kLeastExtensionSize<podium_adopt_file>);
static_assert(sizeof(podium_put_parts) >= kLeastExtensionSize<podium_put_parts>);
static_assert(sizeof(podium_maintenance) >= kLeastExtensionSize<podium_maintenance>);
static_assert(sizeof(podium_run_input) >= kLeastExtensionSize<podium_run_input>);
static_assert(sizeof(podium_output_flow) >= kLeastExtensionSize<podium_output_flow>);
static_assert(sizeof(podium_event_stream) >= kLeastExtensionSize<podium_event_stream>);

}  // namespace podium
