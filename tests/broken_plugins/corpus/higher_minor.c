/* Built for a later minor version than the host has. */
#define PLUGIN_MINOR (PODIUM_ABI_MINOR + 1)
#include "sound.inc"
