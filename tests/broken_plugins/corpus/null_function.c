/* Leaves a function of its interface out. */
#define CREATE_BODY \
  out->tick = NULL; \
  return PODIUM_OK;
#include "sound.inc"
