/* Did not set the size of its factory. */
#define FACTORY_SIZE 0
#include "sound.inc"
