#pragma once
/// What a zygote is started with and how pods are ordered from it.
///
/// A zygote is a template interpreter: imports done, one thread. It lives in the spawner's prepared
/// root and pid namespace, with the rights that entering a shell's namespaces takes; it never sees
/// a byte of a user. It is started as `<interpreter> /mnt/code/main.py`, the command line of the
/// programs that its pods will run, on a tmpfs of its own with the script under that name and the
/// extension module beside it; the tier stands in the environment as PODIUM_TIER.
/// Descriptors at its start:
///   0-2  pipes that lead nowhere, so that the interpreter's streams suit the pipes of a pod
///   3  orders from the spawner: ForkOrder with descriptors
///   4  the runtime in the daemon: the zygote says Message{kReady} there once, or Failed and ends;
///      when the runtime closes it, the zygote serves the orders it has and ends
///   5  the seccomp program, for SeccompProgram::load

#include <sys/types.h>

#include <array>
#include <cstdint>

#include "protocol.hpp"

namespace podium::sandbox {

inline constexpr int kZygoteOrders = 3;
inline constexpr int kZygoteRuntime = 4;
inline constexpr int kZygoteSeccomp = 5;
inline constexpr char kZygoteTier[] = "PODIUM_TIER";
inline constexpr char kZygoteScript[] = "/mnt/code/main.py";
inline constexpr char kZygoteModule[] = "/mnt/code/podium_pod.so";

/// One pod, as the spawner orders it. Descriptors are borrowed; -1: not there.
struct ZygoteFork {
  uid_t uid = 0;
  int shell = -1;  ///< pidfd of the shell's pid 1
  int step = -1;
  int input = -1, output = -1, error = -1;
  std::array<int, 3> tasks{-1, -1, -1};
  int procs = -1;
};

/// Descriptors that follow: shell, step, input, output, error, then `tasks` files to join by
/// writing "0".
struct ForkOrder {
  std::uint32_t uid = 0;
  std::uint32_t tasks = 0;
};

}  // namespace podium::sandbox
