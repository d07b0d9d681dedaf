// Blocks a signal in the thread that loads it.
#include <podium/abi.h>

#include <csignal>
#include <cstring>
namespace {
[[gnu::constructor]] void block() {
  sigset_t usr2;
  ::sigemptyset(&usr2);
  ::sigaddset(&usr2, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &usr2, nullptr);
}
}  // namespace
#include "sound.inc"
