/* Says that its interface is shorter than 1.0. */
#define CREATE_BODY \
  out->size = 8;    \
  return PODIUM_OK;
#include "sound.inc"
