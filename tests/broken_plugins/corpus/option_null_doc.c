/* An option without a sentence. */
#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_INTEGER, "count", "1", NULL, NULL, NULL }
#include "sound.inc"
