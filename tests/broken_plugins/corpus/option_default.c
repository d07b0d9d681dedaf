/* A default that its own type cannot be. */
#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_DURATION, "count", "soon", NULL, NULL, "How long." }
#include "sound.inc"
