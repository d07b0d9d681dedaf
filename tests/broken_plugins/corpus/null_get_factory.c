/* Has no get_factory. */
#define GET_FACTORY 0
#include "sound.inc"
