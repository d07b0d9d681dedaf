/* Another major version under the old symbol. */
#define PLUGIN_MAJOR 2
#include "sound.inc"
