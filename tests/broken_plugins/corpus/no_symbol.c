/* Exports no podium_plugin_v1. */
#define NO_SYMBOL
#include "sound.inc"
