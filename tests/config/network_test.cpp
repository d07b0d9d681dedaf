#include "config/network.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

bool lies_in(const char* network, const char* address) {
  return Network::parse(network).value().contains(address);
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
  EXPECT_TRUE(lies_in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(lies_in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(lies_in("192.168.1.128/25", "192.168.1.200"));
  EXPECT_FALSE(lies_in("192.168.1.128/25", "192.168.1.100"));
  EXPECT_TRUE(lies_in("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(lies_in("10.1.2.3", "10.1.2.30"));
  EXPECT_TRUE(lies_in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(lies_in("fd00::/8", "fdab::1"));
  EXPECT_FALSE(lies_in("fd00::/8", "fe80::1"));
}

TEST(Network, TakesAnIpv4AddressInIpv6FormForThatAddressAndNoOther) {
  EXPECT_TRUE(lies_in("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_TRUE(lies_in("::ffff:10.0.0.0/104", "10.0.0.1"));
  EXPECT_FALSE(lies_in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_FALSE(lies_in("10.0.0.0/8", "not an address"));
}

TEST(Network, IsNoneWithAWrongPrefixOrBitsBehindIt) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/", "fd00::/129",
                           "10.0.0.0/-1", "10.0.0.0/8 ", "host/8", "fd00::1/8"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

}  // namespace
}  // namespace podium
