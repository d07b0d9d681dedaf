#include "config/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace podium {
namespace {

using Bytes16 = std::array<std::uint8_t, 16>;
constexpr unsigned kMappedBits = 96;

struct Address {
  Bytes16 bytes{};
  bool v4 = false;
};

std::optional<Address> read_address(std::string_view text) noexcept {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char copy[INET6_ADDRSTRLEN] = {};
  std::copy(text.begin(), text.end(), copy);
  Address found;
  if (::inet_pton(AF_INET, copy, found.bytes.data() + 12) == 1) {
    found.bytes[10] = found.bytes[11] = 0xFF;
    found.v4 = true;
    return found;
  }
  if (::inet_pton(AF_INET6, copy, found.bytes.data()) == 1) return found;
  return std::nullopt;
}

bool bit(const Bytes16& bytes, unsigned n) noexcept {
  return ((bytes[n / 8] >> (7 - n % 8)) & 1) != 0;
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = read_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned most = address->v4 ? 32 : 128;
  unsigned bits = most;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > most) {
      return std::nullopt;
    }
  }
  Network network;
  network.bytes_ = address->bytes;
  network.prefix_ = address->v4 ? bits + kMappedBits : bits;
  for (unsigned n = network.prefix_; n < 128; ++n) {
    if (bit(network.bytes_, n)) return std::nullopt;
  }
  return network;
}

bool Network::contains(std::string_view address) const noexcept {
  const auto found = read_address(address);
  if (!found) return false;
  for (unsigned n = 0; n < prefix_; ++n) {
    if (bit(found->bytes, n) != bit(bytes_, n)) return false;
  }
  return true;
}

}  // namespace podium
