/* An option of unknown type. */
#define SECOND_OPTION \
  { sizeof(podium_option), 99, "count", "1", NULL, NULL, "How many." }
#include "sound.inc"
