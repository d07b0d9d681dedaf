#include "policy/lockout.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace podium {
namespace {

constexpr std::size_t kMaxPeers = 10'000;

/// Who owns one IPv6 address has its whole /64.
std::string peer_of(std::string_view address) {
  in6_addr v6;
  std::string text(address);
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6)) return text;
  std::fill(std::begin(v6.s6_addr) + 8, std::end(v6.s6_addr), std::uint8_t{0});
  char network[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, &v6, network, sizeof network);
  return std::string(network) + "/64";
}

}  // namespace

std::optional<std::chrono::seconds> Lockout::remaining(std::string_view address, EpochMs now) {
  if (peers_.empty()) return std::nullopt;
  const auto found = peers_.find(peer_of(address));
  if (found == peers_.end() || found->second.until <= now) return std::nullopt;
  return std::chrono::seconds((found->second.until - now + 999) / 1000);
}

bool Lockout::failed(const LockoutConfig& config, std::string_view address, EpochMs now) {
  if (config.failures == 0) return false;
  make_room(now);
  Peer& peer = peers_[peer_of(address)];
  if (now - peer.since > config.within.count()) {
    peer.failures = 0;
    peer.since = now;
  }
  ++peer.failures;
  peer.forget = std::max(peer.since + config.within.count(), peer.until);
  if (peer.failures < config.failures) return false;
  peer.failures = 0;
  peer.until = peer.forget = now + config.duration.count();
  return true;
}

/// Forgets what is over; and when attackers have very many addresses, whoever was first.
void Lockout::make_room(EpochMs now) {
  if (peers_.size() < kMaxPeers) return;
  std::erase_if(peers_, [&](const auto& entry) { return entry.second.forget < now; });
  if (peers_.size() < kMaxPeers) return;
  const auto oldest = std::min_element(peers_.begin(), peers_.end(), [](auto& a, auto& b) {
    return a.second.forget < b.second.forget;
  });
  peers_.erase(oldest);
}

}  // namespace podium
