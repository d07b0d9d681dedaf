/* Cannot be created. */
#define CREATE_BODY                                       \
  strcpy(err->message, "the moon is in the wrong phase"); \
  return PODIUM_UNAVAILABLE;
#include "sound.inc"
