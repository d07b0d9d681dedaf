/* Offers a storage too. */
#define OFFERED(id) (strcmp(id, PODIUM_FACTORY_RUNTIME) != 0)
#include "sound.inc"
