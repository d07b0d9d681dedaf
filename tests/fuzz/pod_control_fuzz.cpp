// What a runtime makes of anything that the other end of a sandbox's control socket and its output
// may say in a run: the run ends exactly once, and the next one is served.

#include <signal.h>
#include <unistd.h>

#include <memory>

#include "fuzz/fuzz.hpp"
#include "pool/pool_fixture.hpp"

namespace {

using namespace podium::sandbox;
using podium::fuzz::check;

/// A pool that lives as long as the fuzzer. The script of each run is what pid 1 says then.
struct World {
  World() : sandboxes(prepare(), {pool_of(2, 2)}) {}

  podium::sdk::Host prepare() {
    ::signal(SIGPIPE, SIG_IGN);  // as podiumd does
    spawner.on_run = [this](int control, std::uint64_t nonce, int output) {
      speak(control, nonce, output);
      return false;  // pid 1 dies
    };
    return spawner.host();
  }

  /// Packets of the script: a byte of shape, the message's kind, its body. The nonce is right in
  /// most, so that what stands behind it is looked at.
  void speak(int control, std::uint64_t nonce, int output) {
    podium::fuzz::Input input(reinterpret_cast<const std::uint8_t*>(script.data()), script.size());
    while (!input.empty()) {
      const std::uint8_t shape = input.byte();
      if (shape % 8 == 0) {
        const std::string_view text = input.take(input.byte());
        const ssize_t ignored = ::write(output, text.data(), text.size());
        static_cast<void>(ignored);
        continue;
      }
      Message message;
      message.kind = static_cast<Kind>(input.byte() % 12);
      message.nonce = shape % 8 == 1 ? nonce + 1 : nonce;
      std::string body(as_bytes(message));
      body += input.take(input.byte());
      if (shape % 8 == 2) body.resize(sizeof(RunEnd));
      if (shape % 8 == 3) body.resize(sizeof(Failed));
      std::vector<int> descriptors(shape >> 5, 0);
      for (int& fd : descriptors) fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      send_packet(control, body, {}, descriptors, MSG_DONTWAIT);
      for (const int fd : descriptors) ::close(fd);
    }
  }

  std::string script;
  FakeSpawner spawner;
  Sandboxes sandboxes;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;  // NOLINT: libFuzzer has no other place for it
  world.script.assign(podium::fuzz::text_of(data, size));
  Recorded run;
  run.start(world.sandboxes, program());
  run.wait();
  check(run.completions == 1, "a run ends once");
  check(run.out.size() <= program().limits.output_bytes, "output is bounded");
  run.release();
  return 0;
}
