/* None: what all the others are, but for one defect. */
#include "sound.inc"
