/* Gives its factory under ids that nobody knows, too. */
#define OFFERED(id) \
  (strcmp(id, PODIUM_FACTORY_RUNTIME) != 0 && strcmp(id, PODIUM_FACTORY_STORAGE) != 0)
#include "sound.inc"
