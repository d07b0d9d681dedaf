/* Offers nothing. */
#define OFFERED(id) ((id) == NULL)
#include "sound.inc"
