/* An option without a name. */
#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_INTEGER, NULL, "1", NULL, NULL, "How many." }
#include "sound.inc"
