// A storage that breaks the rules of its calls and of its extensions; the key says which.
#include <podium/abi.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

namespace {

std::string_view text(podium_bytes bytes) { return {bytes.data, bytes.size}; }

podium_code put(void*, podium_bytes key, const podium_source* source, podium_error*) {
  if (text(key) == "throw") throw std::runtime_error("thrown by put");
  char buffer[16];
  for (int i = 0; i < 3; ++i) source->read(source->ctx, buffer, sizeof buffer);
  return PODIUM_OK;  // whatever the source said
}
podium_code get(void*, podium_bytes key, std::uint64_t, std::uint64_t, const podium_sink* sink,
                podium_error*) {
  for (int i = 0; i < 3; ++i) sink->write(sink->ctx, key);  // whatever the sink says
  return PODIUM_OK;
}
podium_code head(void*, podium_bytes, podium_blob*, podium_error*) { throw 7; }
podium_code list(void*, podium_bytes, void* ctx, bool (*each)(void*, const podium_blob*),
                 podium_error*) {
  podium_blob blob{sizeof(podium_blob), {"k", 1}, 1, 1};
  for (int i = 0; i < 3; ++i) each(ctx, &blob);
  each(ctx, nullptr);
  return PODIUM_OK;
}
podium_code remove(void*, podium_bytes, podium_error*) { return static_cast<podium_code>(12); }
podium_code open(void*, podium_bytes, int* descriptor, podium_error*) {
  *descriptor = -1;
  return PODIUM_OK;
}
void check(void*, std::int64_t, std::uint32_t* state, const podium_buffer* detail) {
  *state = PODIUM_HEALTHY;
  detail->append(detail->ctx, {"not json", 8});
}
void destroy(void*) {}

const void* get_extension(void*, const char* id) {
  static constexpr podium_local_file kLocalFile{sizeof(podium_local_file), open};
  static constexpr podium_health kHealth{sizeof(podium_health), check};
  if (std::strcmp(id, PODIUM_EXT_LOCAL_FILE) == 0) return &kLocalFile;
  if (std::strcmp(id, PODIUM_EXT_HEALTH) == 0) return &kHealth;
  return nullptr;
}

podium_code create(const podium_host*, const podium_config*, std::uint32_t, podium_storage* out,
                   podium_error*) {
  *out = {sizeof(podium_storage), 0, nullptr, put, get, head, list, remove, get_extension, destroy};
  return PODIUM_OK;
}

constexpr podium_storage_factory kFactory{sizeof(podium_storage_factory), 0, nullptr, create};

const void* get_factory(const char* id) {
  return std::strcmp(id, PODIUM_FACTORY_STORAGE) == 0 ? &kFactory : nullptr;
}

}  // namespace

const podium_plugin podium_plugin_v1 = {
    sizeof(podium_plugin),           1,          0, 0, "org.podium.test.rude", "1.0.0",
    "Breaks the rules of a storage", get_factory};
