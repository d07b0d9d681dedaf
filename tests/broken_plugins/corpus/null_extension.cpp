// Its extension has no function.
#include <podium/abi.h>

#include <cstdint>
#include <cstring>
namespace {
const void* get_extension(void*, const char* id) {
  static constexpr podium_event_stream kEvents{sizeof(podium_event_stream), nullptr};
  return std::strcmp(id, PODIUM_EXT_EVENT_STREAM) == 0 ? &kEvents : nullptr;
}
}  // namespace
#define CREATE_BODY                   \
  out->get_extension = get_extension; \
  return PODIUM_OK;
#include "sound.inc"
