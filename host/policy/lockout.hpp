#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "config/config.hpp"

namespace podium {

/// Peers that presented too many wrong credentials. One thread.
///
/// A peer is an IPv4 address, or the /64 network of an IPv6 address. Who presents none at all is
/// not counted: clients probe without a key.
class Lockout {
 public:
  /// How long this peer is still locked out; nothing when it is not.
  std::optional<std::chrono::seconds> remaining(std::string_view address, EpochMs now);

  /// Counts a wrong credential; true when it locks the peer out from now on.
  bool failed(const LockoutConfig& config, std::string_view address, EpochMs now);

  std::size_t size() const noexcept { return peers_.size(); }

 private:
  struct Peer {
    std::uint32_t failures = 0;
    EpochMs since = 0, until = 0;  ///< `until` 0: not locked
    EpochMs forget = 0;
  };

  void make_room(EpochMs now);

  std::map<std::string, Peer, std::less<>> peers_;
};

}  // namespace podium
