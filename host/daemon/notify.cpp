#include "daemon/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.hpp"

namespace podium {
namespace {

/// What a manager that follows reloads itself wants to know (Type=notify-reload, systemd 253).
std::string with_time(std::string_view state) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::string(state) + "\nMONOTONIC_USEC=" +
         std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
}

void send_state(std::string_view state) noexcept {
  const char* path = ::secure_getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

}  // namespace

void notify_service_manager(std::string_view state) noexcept {
  try {
    send_state(state == "RELOADING=1" ? with_time(state) : std::string(state));
  } catch (const std::bad_alloc&) {
    // The manager learns it from the next one.
  }
}

std::optional<std::chrono::microseconds> watchdog_interval() noexcept {
  const char* text = ::secure_getenv("WATCHDOG_USEC");
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const auto result = std::from_chars(text, text + std::strlen(text), value);
  if (result.ec != std::errc() || value <= 0) return std::nullopt;
  return std::chrono::microseconds(value);
}

}  // namespace podium
