#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace podium {

/// A network of IP addresses: "10.0.0.0/8", "fd00::/8", or one address.
class Network {
 public:
  /// Nothing when `text` is none, or has bits behind its prefix.
  static std::optional<Network> parse(std::string_view text) noexcept;

  /// Whether an IP address lies in it. An IPv4 address in IPv6 form (::ffff:10.0.0.1) counts as
  /// the IPv4 address.
  bool contains(std::string_view address) const noexcept;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  unsigned prefix_ = 0;  // in bits of the 16 bytes; IPv4 lies in ::ffff:0:0/96
};

}  // namespace podium
