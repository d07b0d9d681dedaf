/* Asks for an executable stack: linked with -z execstack. */
#include "sound.inc"
