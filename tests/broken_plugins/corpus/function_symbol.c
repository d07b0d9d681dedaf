/* Its symbol is a function, not data. */
#include <podium/abi.h>
#undef PODIUM_PLUGIN_SYMBOL
int podium_function(void) __asm__("podium_plugin_v1") PODIUM_EXPORT;
int podium_function(void) { return 7; }
