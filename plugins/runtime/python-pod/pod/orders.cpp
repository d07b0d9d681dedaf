#include "orders.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace podium::pod {

using namespace podium::sandbox;

namespace {

/// proc(5): a directory's link count is two and its subdirectories, here one a thread.
unsigned thread_count() noexcept {
  struct stat info {};
  return ::stat("/proc/self/task", &info) == 0 ? static_cast<unsigned>(info.st_nlink) - 2 : 0;
}

/// Forks a child that has no parent but pid 1 of its pid namespace: the process between the two
/// shares our memory (vfork), so that only one copy is made, and ends at once. The child's pid 1
/// adopts it and learns its true wait status. 0 in the child, > 0 in the caller, < 0: failed.
///
/// In the child everything of this frame is a copy of its own, so that it may return, which a
/// child of vfork must not.
///
/// _Fork and not fork, which holds locks meanwhile: a quick pod's pid 1 kills whatever is left in
/// its namespace, the process between too, and its locks are ours.
__attribute__((noinline)) int fork_orphan() noexcept {
  // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  const pid_t between = ::vfork();
  if (between == 0) {
    const pid_t child = ::_Fork();
    if (child == 0) return 0;
    ::_exit(child < 0 ? 1 : 0);
  }
  // NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  if (between < 0) return -1;
  int status = 0;
  while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0 ? 1 : -1;
}

}  // namespace

int Order::receive(int socket, int flags) noexcept {
  const ssize_t n =
      packet_.receive(socket, {reinterpret_cast<char*>(&order_), sizeof order_}, flags);
  if (n < 0 && errno == EAGAIN) return -1;
  if (n != sizeof order_) return 0;
  return packet_.count() >= 5 ? 1 : -1;
}

std::array<int, 3> Order::tasks() const noexcept {
  return {packet_.descriptor(5), packet_.descriptor(6), packet_.descriptor(7)};
}

void serve_orders(Order& order, const std::function<void()>& before,
                  const std::function<void(bool)>& after) {
  const int own_namespace = ::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  if (own_namespace < 0) say_failed(errno, "opening its pid namespace");
  std::array<pollfd, 2> events{pollfd{kZygoteOrders, POLLIN, 0}, pollfd{kZygoteRuntime, POLLIN, 0}};
  for (;;) {
    // Once the runtime has let go, what is queued is served and that is all.
    const bool leaving = events[1].revents != 0;
    if (!leaving && ::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) ::_exit(1);
    if (!leaving && events[0].revents == 0) continue;
    const int got = order.receive(kZygoteOrders, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && leaving)) ::_exit(0);
    if (got < 0) continue;

    if (const unsigned threads = thread_count(); threads != 1) {
      char text[80];
      std::snprintf(text, sizeof text, "it has %u threads, forking needs exactly one", threads);
      say_failed(EBUSY, text);
    }
    before();
    // Its children are born there; it stays where it is, and must not keep the setting, which
    // allows no second one.
    const bool entered = ::setns(order.shell(), CLONE_NEWPID) == 0;
    const int side = entered ? fork_orphan() : -1;
    if (side == 0) {
      after(true);
      ::close(own_namespace);
      return;
    }
    if (entered && ::setns(own_namespace, CLONE_NEWPID) != 0) {
      say_failed(errno, "returning to its pid namespace");
    }
    after(false);
    order.close();
  }
}

void say_ready() noexcept { send_struct(kZygoteRuntime, Message{Kind::kReady, 0, 0}); }

void say_failed(int error, const char* what) noexcept {
  Failed failed;
  failed.error = error;
  std::snprintf(failed.what, sizeof failed.what, "%s", what);
  send_struct(kZygoteRuntime, failed);
  ::_exit(1);
}

}  // namespace podium::pod
