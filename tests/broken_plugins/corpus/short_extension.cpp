// Its health extension says that it is shorter than 1.0.
#include <podium/abi.h>

#include <cstdint>
#include <cstring>
namespace {
void check(void*, std::int64_t, std::uint32_t* state, const podium_buffer*) {
  *state = PODIUM_HEALTHY;
}
const void* get_extension(void*, const char* id) {
  static constexpr podium_health kHealth{4, check};
  return std::strcmp(id, PODIUM_EXT_HEALTH) == 0 ? &kHealth : nullptr;
}
}  // namespace
#define CREATE_BODY                   \
  out->get_extension = get_extension; \
  return PODIUM_OK;
#include "sound.inc"
