/* A streaming response of the first release. */
#include "plugin_1_0.h"

struct podium_response_stream {
  unsigned ticks;
};

static podium_code append(const podium_buffer *out, podium_bytes bytes, podium_error *err) {
  return out->append(out->ctx, bytes) ? PODIUM_OK : fail(err, PODIUM_RESOURCE_EXHAUSTED, "the host is out of memory");
}
static void get_traits(void *self, podium_response_traits *out) {
  (void)self;
  out->media_type = "application/json";
  out->first_window_ms = 100;
  out->interval_ms = 200;
}
static podium_code begin(void *self, podium_response_stream **stream, const podium_buffer *out, podium_error *err) {
  (void)self;
  if (append(out, text("\n"), err) != PODIUM_OK) return PODIUM_RESOURCE_EXHAUSTED;
  *stream = calloc(1, sizeof **stream);
  return PODIUM_OK;
}
static podium_code tick(void *self, podium_response_stream *stream, const podium_buffer *out, podium_error *err) {
  (void)self;
  ++stream->ticks;
  return append(out, text("\n"), err);
}
static podium_code chunk(void *self, podium_response_stream *stream, uint32_t number, podium_bytes data,
                         const podium_buffer *out, podium_error *err) {
  (void)self, (void)stream, (void)number, (void)data, (void)out, (void)err;
  return PODIUM_OK;
}
static podium_code finish(void *self, podium_response_stream *stream, const podium_result *result,
                          const podium_buffer *out, podium_error *err) {
  (void)self, (void)stream;
  return append(out, result->json, err);
}
static void end_stream(void *self, podium_response_stream *stream) {
  (void)self;
  free(stream);
}
static void destroy(void *self) { (void)self; }

static podium_code create(const podium_host *host, const podium_config *config, uint32_t flags, podium_response *out,
                          podium_error *err) {
  podium_response made = {sizeof made, 0, NULL, get_traits, begin, tick, chunk, finish, end_stream, NULL, destroy};
  (void)host, (void)config, (void)flags;
  if (out->size < sizeof made) return fail(err, PODIUM_UNSUPPORTED, "the host's interface is shorter than 1.0");
  *out = made;
  return PODIUM_OK;
}

static const podium_response_factory factory = {sizeof(podium_response_factory), 0, NULL, create};
PLUGIN_1_0("org.podium.test.response-1-0", PODIUM_FACTORY_RESPONSE, factory)
