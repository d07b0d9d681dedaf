/* An option whose name is not in snake_case. */
#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_INTEGER, "Count!", "1", NULL, NULL, "How many." }
#include "sound.inc"
