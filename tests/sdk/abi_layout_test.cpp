#include <podium/abi.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

extern "C" int podium_plugin_size_in_c(void);

#define PIN_STRUCT(type, size) static_assert(sizeof(type) == (size));
#define PIN(type, member, offset) static_assert(offsetof(type, member) == (offset));
#define PIN_VALUE(name, value) static_assert((name) == (value));
#include "abi_layout.inc"
#undef PIN_STRUCT
#undef PIN
#undef PIN_VALUE

// Every struct but the frozen podium_bytes starts with its size and is plain C data.
#define PIN_STRUCT(type, size_of)                                            \
  static_assert(std::is_trivial_v<type> && std::is_standard_layout_v<type>); \
  static_assert(std::is_same_v<type, podium_bytes> ||                        \
                (Starts<type>::kWithSize && offsetof(type, size) == 0));
#define PIN(type, member, offset)
#define PIN_VALUE(name, value)
template <class T>
struct Starts {
  static constexpr bool kWithSize = std::is_same_v<decltype(T::size), std::uint32_t>;
};
#include "abi_layout.inc"

TEST(Abi, HasTheSameEntryInCAndInCpp) {
  EXPECT_EQ(podium_plugin_size_in_c(), static_cast<int>(sizeof(podium_plugin)));
}

TEST(Abi, HasSaysWhetherAMemberLiesWithinTheSize) {
  podium_host host{};

  host.size = offsetof(podium_host, get_extension);
  EXPECT_TRUE(PODIUM_HAS(&host, log));
  EXPECT_FALSE(PODIUM_HAS(&host, get_extension));
  host.size = sizeof host;
  EXPECT_TRUE(PODIUM_HAS(&host, get_extension));
}

TEST(Abi, NamesItsSymbolAfterItsMajorVersion) {
  EXPECT_STREQ(PODIUM_PLUGIN_SYMBOL, "podium_plugin_v1");
  EXPECT_EQ(PODIUM_ABI_MAJOR, 1u);
}
