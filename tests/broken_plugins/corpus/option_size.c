/* An option that did not set its size. */
#define SECOND_OPTION \
  { 0, PODIUM_INTEGER, "count", "1", NULL, NULL, "How many." }
#include "sound.inc"
