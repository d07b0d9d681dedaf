/* abi.h as C11 sees it; the compiler is the test. */
#include <podium/abi.h>

#define PIN_STRUCT(type, size) _Static_assert(sizeof(type) == (size), "size of " #type);
#define PIN(type, member, offset) \
  _Static_assert(offsetof(type, member) == (offset), "offset of " #type "." #member);
#define PIN_VALUE(name, value) _Static_assert((name) == (value), "value of " #name);
#include "abi_layout.inc"

int podium_plugin_size_in_c(void);
int podium_plugin_size_in_c(void) { return (int)sizeof(podium_plugin); }
