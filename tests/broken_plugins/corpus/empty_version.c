/* Has an empty version. */
#define PLUGIN_VERSION ""
#include "sound.inc"
