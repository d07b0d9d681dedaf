// Lets a C++ exception out of create.
#include <stdexcept>
#define CREATE_BODY throw std::runtime_error("thrown by create");
#include "sound.inc"
