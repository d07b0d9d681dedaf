/* Offers a storage too. */
#define OFFERED(id) \
  (strcmp(id, PODIUM_FACTORY_STORAGE) == 0 || strcmp(id, PODIUM_FACTORY_RESPONSE) == 0)
#include "sound.inc"
