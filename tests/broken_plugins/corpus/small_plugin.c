/* Says that its podium_plugin is shorter than 1.0. */
#define PLUGIN_SIZE 40
#include "sound.inc"
