/* Has no create. */
#define CREATE 0
#include "sound.inc"
