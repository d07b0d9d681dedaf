#include "zygote_host.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "packet.hpp"
#include "shell.hpp"

namespace podium::sandbox {
namespace {

constexpr int kModestNice = 15;

/// In the child: private /proc and /tmp, the agreed descriptors, an empty environment but for what
/// the imports need; then the interpreter.
[[noreturn]] void zygote_main(const NewZygote& request, int orders, int runtime, int seccomp) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpriority(PRIO_PROCESS, 0, kModestNice);
  ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  ::mount("zygote", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m");
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Far from the numbers they go to, so that no dup2 overwrites one that is still needed.
  const int null = ::fcntl(::open("/dev/null", O_RDWR), F_DUPFD, 100);
  orders = ::fcntl(orders, F_DUPFD, 100);
  runtime = ::fcntl(runtime, F_DUPFD, 100);
  seccomp = ::fcntl(seccomp, F_DUPFD, 100);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::dup2(orders, kZygoteOrders);
  ::dup2(runtime, kZygoteRuntime);
  ::dup2(seccomp, kZygoteSeccomp);
  ::close_range(kZygoteSeccomp + 1, ~0u, 0);
  // One thread for BLAS: the fork must find one thread. Huge pages make fork cheaper.
  const char* const environment[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1",
                                     "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                     "MPLCONFIGDIR=/tmp/matplotlib", "HOME=/tmp", nullptr};
  const char* const arguments[] = {request.interpreter, "-I", "-S", request.script,
                                   request.argument, nullptr};
  ::execve(request.interpreter, const_cast<char* const*>(arguments),
           const_cast<char* const*>(environment));
  ::_exit(127);
}

}  // namespace

int ZygoteHost::start(int connection, const NewZygote& request, const SeccompProgram& seccomp,
                      int* socket, const char** step) {
  int orders[2] = {-1, -1}, runtime[2] = {-1, -1};
  const int program = ::memfd_create("seccomp", MFD_CLOEXEC);
  *step = "making sockets";
  if (program < 0 || !seccomp.save(program) ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0 ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, runtime) != 0) {
    return errno;
  }
  *step = "cloning the zygote";
  const auto pid = static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | SIGCHLD, nullptr, nullptr,
                nullptr, 0));
  if (pid == 0) zygote_main(request, orders[1], runtime[1], program);
  const int error = pid < 0 ? errno : 0;
  ::close(program);
  ::close(orders[1]);
  ::close(runtime[1]);
  if (error != 0) {
    ::close(orders[0]);
    ::close(runtime[0]);
    return error;
  }
  zygotes_[{connection, request.id}] = Zygote{pid, orders[0]};
  *socket = runtime[0];
  return 0;
}

bool ZygoteHost::fork(int connection, std::uint32_t id, const ZygoteFork& fork) {
  const auto zygote = zygotes_.find({connection, id});
  if (zygote == zygotes_.end()) return false;
  ForkOrder order;
  order.uid = fork.uid;
  std::array<int, 9> descriptors{fork.shell, fork.step, fork.input, fork.output, fork.error};
  std::size_t count = 5;
  for (const int fd : {fork.tasks[0], fork.tasks[1], fork.tasks[2], fork.procs}) {
    if (fd < 0) continue;
    descriptors[count++] = fd;
    ++order.tasks;
  }
  return send_struct(zygote->second.orders, order, {descriptors.data(), count}, MSG_DONTWAIT);
}

void ZygoteHost::reaped(pid_t pid) {
  for (auto it = zygotes_.begin(); it != zygotes_.end(); ++it) {
    if (it->second.pid != pid) continue;
    ::close(it->second.orders);
    zygotes_.erase(it);
    return;
  }
}

void ZygoteHost::drop_connection(int connection) {
  for (auto it = zygotes_.begin(); it != zygotes_.end();) {
    if (it->first.first == connection) {
      ::kill(it->second.pid, SIGKILL);
      ::close(it->second.orders);
      it = zygotes_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace podium::sandbox
