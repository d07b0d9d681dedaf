#include "zygote_host.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "packet.hpp"
#include "shell.hpp"
#include "user_namespace.hpp"

namespace podium::sandbox {
namespace {

constexpr int kModestNice = 15;

/// What the child needs to become a zygote.
struct Birth {
  const NewZygote& request;
  int orders, runtime, seccomp, script, module;
};

[[noreturn]] void give_up(const Birth& birth, const char* what) {
  Failed failed;
  failed.error = errno;
  std::snprintf(failed.what, sizeof failed.what, "%s", what);
  send_struct(birth.runtime, failed);
  ::_exit(1);
}

bool copy_file(int from, const char* path) {
  const int to = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
  off_t offset = 0;
  ssize_t n = 1;
  while (to >= 0 && n > 0) n = ::sendfile(to, from, &offset, 1u << 20);
  ::close(to);
  return to >= 0 && n == 0;
}

/// A /proc of its own and two small file systems: the script where programs have their code, and
/// room for what the imports write.
void make_zygote_mounts(const Birth& birth) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV;
  if (::mount("proc", "/proc", "proc", kFlags | MS_NOEXEC, nullptr) != 0 ||
      ::mount("zygote", "/mnt", "tmpfs", kFlags, "mode=755,size=16m") != 0 ||
      ::mount("zygote", "/tmp", "tmpfs", kFlags, "mode=1777,size=64m") != 0) {
    give_up(birth, "mounting the zygote's file systems");
  }
  if (::mkdir(kWorkspace, 0755) != 0 || ::mkdir(kCode, 0755) != 0 || ::chdir(kWorkspace) != 0 ||
      !copy_file(birth.script, kZygoteScript) || !copy_file(birth.module, kZygoteModule)) {
    give_up(birth, "placing the zygote's script and module");
  }
}

/// The agreed descriptors and no others.
void place_descriptors(const Birth& birth) {
  int input[2] = {-1, -1}, output[2] = {-1, -1};
  if (::pipe(input) != 0 || ::pipe(output) != 0) give_up(birth, "making pipes");
  const std::array<std::pair<int, int>, 6> places{{{input[0], 0},
                                                   {output[1], 1},
                                                   {output[1], 2},
                                                   {birth.orders, kZygoteOrders},
                                                   {birth.runtime, kZygoteRuntime},
                                                   {birth.seccomp, kZygoteSeccomp}}};
  // First far from the numbers they go to, so that no dup2 overwrites one that is still needed.
  std::array<int, 6> far{};
  for (std::size_t i = 0; i < far.size(); ++i) far[i] = ::fcntl(places[i].first, F_DUPFD, 100);
  for (std::size_t i = 0; i < far.size(); ++i) {
    if (::dup2(far[i], places[i].second) < 0) ::_exit(1);
  }
  ::close_range(kZygoteSeccomp + 1, ~0u, 0);
}

/// In the child: becomes the interpreter, with an environment of nothing but what the imports need.
[[noreturn]] void zygote_main(const Birth& birth) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // An ordinary user could not set its pods back to 0.
  if (!is_unprivileged()) ::setpriority(PRIO_PROCESS, 0, kModestNice);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  make_zygote_mounts(birth);
  place_descriptors(birth);
  char tier[sizeof birth.request.argument + 16];
  std::snprintf(tier, sizeof tier, "%s=%s", kZygoteTier, birth.request.argument);
  // One thread for BLAS: the fork must find one thread. What else stands here is what a program's
  // interpreter would find by default.
  const char* const environment[] = {"OPENBLAS_NUM_THREADS=1",
                                     "OMP_NUM_THREADS=1",
                                     "PATH=/usr/local/bin:/usr/bin:/bin",
                                     "LANG=C.UTF-8",
                                     "HOME=/tmp",
                                     "MPLBACKEND=Agg",
                                     "PYTHONUNBUFFERED=1",
                                     tier,
                                     nullptr};
  if (is_unprivileged() && (errno = keep_capabilities_over_exec()) != 0) {
    give_up(birth, "keeping the capabilities of the zygote");
  }
  const char* const arguments[] = {birth.request.interpreter, kZygoteScript, nullptr};
  ::execve(birth.request.interpreter, const_cast<char* const*>(arguments),
           const_cast<char* const*>(environment));
  Failed failed;
  failed.error = errno;
  std::snprintf(failed.what, sizeof failed.what, "executing %.100s", birth.request.interpreter);
  send_struct(kZygoteRuntime, failed);
  ::_exit(127);
}

}  // namespace

int ZygoteHost::start(int connection, const NewZygote& request, int script, int module,
                      const SeccompProgram& seccomp, int* socket, const char** step) {
  int orders[2] = {-1, -1}, runtime[2] = {-1, -1};
  const int program = ::memfd_create("seccomp", MFD_CLOEXEC);
  *step = "making sockets";
  if (program < 0 || !seccomp.save(program) ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0 ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, runtime) != 0) {
    return errno;
  }
  *step = "cloning the zygote";
  const auto pid =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | SIGCHLD,
                                   nullptr, nullptr, nullptr, 0));
  if (pid == 0) zygote_main({request, orders[1], runtime[1], program, script, module});
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

void ZygoteHost::kill(int connection, std::uint32_t id) {
  const auto zygote = zygotes_.find({connection, id});
  if (zygote != zygotes_.end()) ::kill(zygote->second.pid, SIGKILL);
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
