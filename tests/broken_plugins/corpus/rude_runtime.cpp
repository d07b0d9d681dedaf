// A runtime that breaks the rules of a run; the code says which.
#include <podium/abi.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

namespace {

const podium_run_callbacks* former = nullptr;  // of a run that is over

podium_completion done() {
  podium_completion completion{};
  completion.size = sizeof completion;
  completion.changes = completion.merged = -1;
  return completion;
}

void tell(const podium_run_callbacks* callbacks, const podium_completion& completion) {
  callbacks->completed(callbacks->ctx, &completion);
}

void say(const podium_run_callbacks* callbacks, std::uint32_t stream, std::string_view text) {
  callbacks->output(callbacks->ctx, stream, {text.data(), text.size()});
}

podium_code start(void*, const podium_run* run, const podium_run_callbacks* callbacks,
                  podium_lease** lease, podium_error* err) {
  std::string_view code(run->code.data, run->code.size);
  *lease = nullptr;
  if (code == "throw") throw std::runtime_error("thrown by start");
  if (code == "refuse") {
    std::strcpy(err->message, "no room");
    return PODIUM_UNAVAILABLE;
  }
  if (code == "stray" && former != nullptr) {
    tell(former, done());
    say(former, 1, "stray");
  }
  if (code == "flood") say(callbacks, 1, "0123456789");
  if (code == "third stream") say(callbacks, 3, "what");
  podium_completion completion = done();
  if (code == "short") completion.size = 4;
  if (code == "unknown codes") {
    completion.code = 77;
    completion.limit = 88;
  }
  tell(callbacks, completion);
  if (code == "twice") tell(callbacks, done());
  if (code == "talk on") say(callbacks, 1, "after the end");
  former = callbacks;
  return code == "fail late" ? PODIUM_INTERNAL : PODIUM_OK;
}
void cancel(void*, podium_lease*) { throw 7; }
void release(void*, podium_lease*) { throw std::runtime_error("thrown by release"); }
void destroy(void*) { throw std::runtime_error("thrown by destroy"); }

podium_code create(const podium_host*, const podium_config*, std::uint32_t, podium_runtime* out,
                   podium_error*) {
  *out = {sizeof(podium_runtime), 0, nullptr, false, start, cancel, release, nullptr, destroy};
  return PODIUM_OK;
}

constexpr podium_runtime_factory kFactory{sizeof(podium_runtime_factory), 0, nullptr, create};

const void* get_factory(const char* id) {
  return std::strcmp(id, PODIUM_FACTORY_RUNTIME) == 0 ? &kFactory : nullptr;
}

}  // namespace

const podium_plugin podium_plugin_v1 = {
    sizeof(podium_plugin),       1,          0, 0, "org.podium.test.rude", "1.0.0",
    "Breaks the rules of a run", get_factory};
