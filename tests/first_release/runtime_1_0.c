/* A runtime as it could have been written on the day of the first release: gives the code back. */
#include "plugin_1_0.h"

static podium_code start(void *self, const podium_run *run, const podium_run_callbacks *callbacks,
                         podium_lease **lease, podium_error *err) {
  podium_completion end;
  podium_bytes out;
  char printed[500];
  (void)self;
  if (run->limits->wall_ms <= 0) return fail(err, PODIUM_INVALID_ARGUMENT, "a run without a wall limit");
  *lease = (podium_lease *)self;
  memset(&end, 0, sizeof end);
  end.size = sizeof end;
  end.changes = end.merged = -1;
  snprintf(printed, sizeof printed, "first release: %.*s", (int)run->code.size, run->code.data);
  out = text(printed);
  if (out.size > run->limits->output_bytes) {
    out.size = run->limits->output_bytes;
    end.limit = PODIUM_LIMIT_OUTPUT;
  }
  callbacks->output(callbacks->ctx, 1, out);
  callbacks->completed(callbacks->ctx, &end);
  return PODIUM_OK;
}
static void cancel(void *self, podium_lease *lease) { (void)self, (void)lease; }
static void release(void *self, podium_lease *lease) { (void)self, (void)lease; }
static void destroy(void *self) { free(self); }

static const podium_option options[] = {
    {sizeof(podium_option), PODIUM_INTEGER, "slots", "0", "0", "100", "Runs at a time, 0 for any number."}};
static const podium_option_table table = {sizeof(podium_option_table), 1, options};

static podium_code create(const podium_host *host, const podium_config *config, uint32_t flags, podium_runtime *out,
                          podium_error *err) {
  (void)flags;
  if (out->size < sizeof(podium_runtime)) return fail(err, PODIUM_UNSUPPORTED, "the host's interface is shorter than 1.0");
  memset(out, 0, sizeof *out);
  out->size = sizeof(podium_runtime);
  out->max_concurrency = (uint32_t)config->values->integer;
  out->self = malloc(1);
  out->start = start;
  out->cancel = cancel;
  out->release = release;
  out->destroy = destroy;
  host->log(host->ctx, PODIUM_INFO, text("runtime of the first release"));
  return PODIUM_OK;
}

static const podium_runtime_factory factory = {sizeof(podium_runtime_factory), 0, &table, create};
PLUGIN_1_0("org.podium.test.runtime-1-0", PODIUM_FACTORY_RUNTIME, factory)
