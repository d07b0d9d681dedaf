/* A table that counts rows but has none. */
#define OPTION_ROWS NULL
#include "sound.inc"
