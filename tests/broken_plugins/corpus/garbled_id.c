/* Would forge a log line. */
#define PLUGIN_ID "a\nb"
#include "sound.inc"
