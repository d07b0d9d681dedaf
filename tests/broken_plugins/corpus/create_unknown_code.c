/* Fails with a code that is none, and a message that never ends. */
#define CREATE_BODY                              \
  memset(err->message, 77, sizeof err->message); \
  return (podium_code)1234;
#include "sound.inc"
