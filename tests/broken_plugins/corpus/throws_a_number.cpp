// Lets something out of create that is no std::exception.
#define CREATE_BODY throw 7;
#include "sound.inc"
