// Lets a C++ exception out of get_factory.
#include <stdexcept>
#define OFFERED(id) (throw std::runtime_error("thrown by get_factory"), (id) == nullptr)
#include "sound.inc"
