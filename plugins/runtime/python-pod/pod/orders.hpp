#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>

#include "confine.hpp"
#include "packet.hpp"
#include "zygote.hpp"

namespace podium::pod {

/// A fork that the spawner ordered. The descriptors close with it.
class Order {
 public:
  /// Reads one from the spawner's socket. 1: there is one; 0: the spawner is gone; -1: none now.
  int receive(int socket, int flags) noexcept;

  uid_t uid() const noexcept { return order_.uid; }
  int shell() const noexcept { return packet_.descriptor(0); }
  int step() const noexcept { return packet_.descriptor(1); }
  int input() const noexcept { return packet_.descriptor(2); }
  int output() const noexcept { return packet_.descriptor(3); }
  int error() const noexcept { return packet_.descriptor(4); }
  /// To join by writing "0"; -1: not there.
  std::array<int, 3> tasks() const noexcept;
  void close() noexcept { packet_.drop(); }

 private:
  sandbox::ForkOrder order_;
  sandbox::Packet packet_;
};

/// The zygote's life: forks a pod for each order, one after the other.
///
/// Returns in the pods only, with the order of that pod; a zygote ends by itself when the spawner
/// is gone, when the runtime has closed its socket and no order is left, or when it finds that it
/// has more than one thread, which is told to the runtime. `before` and `after` the fork are the
/// interpreter's own preparations; `after` is told which side it is on.
void serve_orders(Order& order, const std::function<void()>& before,
                  const std::function<void(bool in_pod)>& after);

/// Tells the runtime in the daemon.
void say_ready() noexcept;
/// The same, then ends the zygote. ENOENT: a package is missing.
[[noreturn]] void say_failed(int error, const char* what) noexcept;

}  // namespace podium::pod
