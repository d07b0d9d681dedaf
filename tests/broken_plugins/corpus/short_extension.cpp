// Its health extension says that it is shorter than 1.0.
#include <podium/abi.h>
namespace {
const void* get_extension(void*, const char*) {
  static constexpr podium_health kHealth{4, nullptr};
  return &kHealth;
}
}  // namespace
#define CREATE_BODY                   \
  out->get_extension = get_extension; \
  return PODIUM_OK;
#include "sound.inc"
