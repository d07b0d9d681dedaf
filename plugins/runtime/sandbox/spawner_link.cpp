#include "spawner_link.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "packet.hpp"

namespace podium::sandbox {
namespace {

constexpr int kFactsTimeoutMs = 10'000;

/// ["memory","cpu"] after its key → "memory,cpu".
std::string list_of(const std::string& json, const std::string& key) {
  const auto at = json.find('"' + key + "\":[");
  if (at == std::string::npos) return {};
  const auto from = json.find('[', at) + 1;
  std::string list = json.substr(from, json.find(']', from) - from);
  std::erase(list, '"');
  return list;
}

}  // namespace

void SpawnerLink::connect() {
  socket_ = host_.connect_sandbox();
  if (!send_struct(fd(), PlainAsk{Ask::kFacts})) {
    throw sdk::Error(PODIUM_UNAVAILABLE, "the sandbox spawner does not listen; is it running?");
  }
  pollfd event{fd(), POLLIN, 0};
  std::array<char, 8192> buffer;
  Packet packet;
  if (::poll(&event, 1, kFactsTimeoutMs) != 1) {
    throw sdk::Error(PODIUM_UNAVAILABLE, "the sandbox spawner did not answer within 10 s");
  }
  const ssize_t n = packet.receive(fd(), buffer);
  if (n <= 0) {
    throw sdk::Error(PODIUM_UNAVAILABLE,
                     "the sandbox spawner ended; its reason is on the daemon's stderr");
  }
  facts_.assign(buffer.data(), static_cast<std::size_t>(n));
  unenforced_ = list_of(facts_, "unenforced");
}

bool SpawnerLink::reconnect() noexcept {
  try {
    socket_ = host_.connect_sandbox();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool SpawnerLink::ask(const NewShell& request, std::span<const int> files) noexcept {
  return fd() >= 0 && send_struct(fd(), request, files, MSG_DONTWAIT);
}

bool SpawnerLink::ask(const NewZygote& request, std::span<const int> files) noexcept {
  return fd() >= 0 && send_struct(fd(), request, files, MSG_DONTWAIT);
}

bool SpawnerLink::ask(const KillZygote& request) noexcept {
  return fd() >= 0 && send_struct(fd(), request, {}, MSG_DONTWAIT);
}

bool SpawnerLink::ask(const KillShell& request) noexcept {
  return fd() >= 0 && send_struct(fd(), request, {}, MSG_DONTWAIT);
}

}  // namespace podium::sandbox
