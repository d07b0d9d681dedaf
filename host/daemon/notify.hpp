#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace podium {

/// Tells the service manager, when there is one: "READY=1", "RELOADING=1", "STOPPING=1",
/// "WATCHDOG=1", "STATUS=…" (sd_notify(3), the protocol of NOTIFY_SOCKET). Any thread.
void notify_service_manager(std::string_view state) noexcept;

/// How often "WATCHDOG=1" is expected at least; nothing when no watchdog waits for it.
std::optional<std::chrono::microseconds> watchdog_interval() noexcept;

}  // namespace podium
