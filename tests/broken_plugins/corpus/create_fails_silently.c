/* Cannot be created and does not say why. */
#define CREATE_BODY return PODIUM_RESOURCE_EXHAUSTED;
#include "sound.inc"
