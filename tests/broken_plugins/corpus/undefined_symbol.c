/* Needs a function that nobody has. */
extern int podium_nobody_defines_this(void);
#define CREATE_BODY return (podium_code)podium_nobody_defines_this();
#include "sound.inc"
