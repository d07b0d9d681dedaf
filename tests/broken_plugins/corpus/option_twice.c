/* Two options of one name. */
#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_INTEGER, "name", "1", NULL, NULL, "How many." }
#include "sound.inc"
