/* Its symbol is data, but shorter than what it says. */
#include <podium/abi.h>
extern const uint32_t podium_head[3] __asm__("podium_plugin_v1") PODIUM_EXPORT;
const uint32_t podium_head[3] = {sizeof(podium_plugin), PODIUM_ABI_MAJOR, PODIUM_ABI_MINOR};
