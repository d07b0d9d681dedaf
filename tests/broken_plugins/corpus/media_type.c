/* Would forge a header. */
#define MEDIA_TYPE "text/plain\r\nSet-Cookie: a=b"
#include "sound.inc"
