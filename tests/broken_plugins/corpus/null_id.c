/* Has no id. */
#define PLUGIN_ID NULL
#include "sound.inc"
