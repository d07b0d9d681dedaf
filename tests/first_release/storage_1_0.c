/* A storage of the first release: a list in memory. One call at a time, as it says. */
#include "plugin_1_0.h"

struct blob {
  struct blob *next;
  size_t key_size, size;
  char key[200];
  char *data;
};
struct store {
  struct blob *first;
};

static struct blob **find(struct store *store, podium_bytes key) {
  struct blob **at = &store->first;
  while (*at != NULL && ((*at)->key_size != key.size || memcmp((*at)->key, key.data, key.size) != 0)) at = &(*at)->next;
  return at;
}

static bool is_key(podium_bytes key) { return key.size > 0 && key.size <= 200; }

static podium_code put(void *self, podium_bytes key, const podium_source *source, podium_error *err) {
  size_t size = 0, room = 0;
  char *data = NULL;
  struct blob **at;
  if (!is_key(key)) return fail(err, PODIUM_INVALID_ARGUMENT, "a key is 1 to 200 bytes");
  for (;;) {
    int64_t n;
    if (size == room) data = realloc(data, room = room * 2 + 4096);
    n = source->read(source->ctx, data + size, room - size);
    if (n == 0) break;
    if (n < 0) {
      free(data);
      return fail(err, PODIUM_CANCELLED, "the sender left");
    }
    size += (size_t)n;
  }
  if (source->expected >= 0 && (uint64_t)source->expected != size) {
    free(data);
    return fail(err, PODIUM_INVALID_ARGUMENT, "another length than was said");
  }
  at = find(self, key);
  if (*at == NULL) {
    *at = calloc(1, sizeof **at);
    (*at)->key_size = key.size;
    memcpy((*at)->key, key.data, key.size);
  }
  free((*at)->data);
  (*at)->data = data;
  (*at)->size = size;
  return PODIUM_OK;
}

static podium_code get(void *self, podium_bytes key, uint64_t offset, uint64_t length, const podium_sink *sink,
                       podium_error *err) {
  const struct blob *blob = *find(self, key);
  podium_bytes range;
  if (!is_key(key)) return fail(err, PODIUM_INVALID_ARGUMENT, "a key is 1 to 200 bytes");
  if (blob == NULL) return fail(err, PODIUM_NOT_FOUND, "no such blob");
  if (offset > blob->size || (length != UINT64_MAX && length > blob->size - offset)) {
    return fail(err, PODIUM_INVALID_ARGUMENT, "the range ends behind the blob");
  }
  range.data = blob->data + offset;
  range.size = length == UINT64_MAX ? blob->size - offset : length;
  if (range.size > 0 && !sink->write(sink->ctx, range)) return fail(err, PODIUM_CANCELLED, "the reader left");
  return PODIUM_OK;
}

static podium_code head(void *self, podium_bytes key, podium_blob *out, podium_error *err) {
  const struct blob *blob = *find(self, key);
  if (!is_key(key)) return fail(err, PODIUM_INVALID_ARGUMENT, "a key is 1 to 200 bytes");
  if (blob == NULL) return fail(err, PODIUM_NOT_FOUND, "no such blob");
  out->length = blob->size;
  out->modified_ms = 1;
  return PODIUM_OK;
}

static podium_code list(void *self, podium_bytes prefix, void *ctx, bool (*each)(void *ctx, const podium_blob *blob),
                        podium_error *err) {
  const struct blob *blob;
  (void)err;
  for (blob = ((struct store *)self)->first; blob != NULL; blob = blob->next) {
    podium_blob told = {sizeof told, {NULL, 0}, 0, 1};
    if (blob->key_size < prefix.size || memcmp(blob->key, prefix.data, prefix.size) != 0) continue;
    told.key.data = blob->key;
    told.key.size = blob->key_size;
    told.length = blob->size;
    if (!each(ctx, &told)) break;
  }
  return PODIUM_OK;
}

static void drop(struct blob **at) {
  struct blob *gone = *at;
  *at = gone->next;
  free(gone->data);
  free(gone);
}

static podium_code remove_blob(void *self, podium_bytes key, podium_error *err) {
  struct blob **at = find(self, key);
  if (!is_key(key)) return fail(err, PODIUM_INVALID_ARGUMENT, "a key is 1 to 200 bytes");
  if (*at != NULL) drop(at);
  return PODIUM_OK;
}

static void destroy(void *self) {
  struct store *store = self;
  if (store == NULL) return;
  while (store->first != NULL) drop(&store->first);
  free(store);
}

static podium_code create(const podium_host *host, const podium_config *config, uint32_t flags, podium_storage *out,
                          podium_error *err) {
  podium_storage made = {sizeof made, 1, NULL, put, get, head, list, remove_blob, NULL, destroy};
  (void)host, (void)config;
  if (out->size < sizeof made) return fail(err, PODIUM_UNSUPPORTED, "the host's interface is shorter than 1.0");
  if ((flags & PODIUM_DRY_RUN) == 0) made.self = calloc(1, sizeof(struct store));
  *out = made;
  return PODIUM_OK;
}

static const podium_storage_factory factory = {sizeof(podium_storage_factory), 0, NULL, create};
PLUGIN_1_0("org.podium.test.storage-1-0", PODIUM_FACTORY_STORAGE, factory)
