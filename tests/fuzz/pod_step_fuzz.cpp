// Bytes and descriptors that a program in a pod may send to pid 1 over the socket that it finds.
// Goes through a real socket: lengths, cut packets and descriptors beside them are the kernel's.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "packet.hpp"
#include "step_rules.hpp"

namespace {

using namespace podium::sandbox;
using podium::fuzz::check;

/// The lowest free number: it stays the same as long as nothing leaks.
int lowest_free() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(fd);
  return fd;
}

struct Pair {
  Pair() {
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2];
};

/// One message as pid 1 takes it. False when the socket is given up.
bool listen(int socket, StepState& state) {
  StepMessage message{};
  Packet packet;
  const ssize_t n =
      packet.receive(socket, {reinterpret_cast<char*>(&message), sizeof message}, MSG_DONTWAIT);
  if (n != sizeof message || !believes(state, message)) return false;
  const bool program_speaks = state.pod && state.running;
  if (program_speaks) {
    check(message.step == Step::kDone || message.step == Step::kExecFailed,
          "a program in a pod can end its run and nothing else");
    state.running = false;
    state.ended = true;
  } else if (message.step == Step::kWaiting) {
    state.ready = true;
  } else if (message.step == Step::kRunning && !state.pod) {
    state.running = true;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  podium::fuzz::Input input(data, size);
  const int before = lowest_free();
  {
    const Pair pair;
    StepState state;
    const std::uint8_t flags = input.byte();
    state.pod = (flags & 1) != 0;
    state.ready = (flags & 2) != 0;
    state.running = (flags & 4) != 0;
    while (!input.empty()) {
      const std::uint8_t shape = input.byte();
      const std::string_view bytes = input.take(shape & 31);
      std::vector<int> descriptors(shape >> 5 == 7 ? kMaxDescriptors : shape >> 5, 0);
      for (int& fd : descriptors) fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      send_packet(pair.ends[0], bytes, {}, descriptors, MSG_DONTWAIT);
      for (const int fd : descriptors) ::close(fd);
      const bool ended = state.ended;
      if (!listen(pair.ends[1], state)) break;
      check(!ended || state.ended, "an end is an end");
    }
  }
  check(lowest_free() == before, "descriptors that nobody takes are closed");
  return 0;
}
