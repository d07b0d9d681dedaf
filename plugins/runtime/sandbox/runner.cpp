#include <fcntl.h>
#include <sched.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ahead.hpp"
#include "packet.hpp"
#include "payload.hpp"
#include "shell.hpp"

namespace podium::sandbox {
namespace {

/// The process that waits. It has no privilege any more when it touches anything of the run.
class Runner {
 public:
  explicit Runner(const RunnerSetup& setup) noexcept : s_(setup) {}

  [[noreturn]] void live() noexcept {
    become_harmless();
    if (s_.ahead >= 0) become_interpreter();
    say(Step::kWaiting, ::getpid());
    Go go{};
    std::string_view payload = wait_for_go(go);
    PayloadReader reader(payload);
    const std::string_view name = reader.string(), code = reader.string();
    char** compile = reader.list();
    char** command = reader.list();
    char** environment = reader.list();
    if (!reader.ok() || command == nullptr || command[0] == nullptr) give_up(EBADMSG);
    if (const int error = write_source(name, code)) give_up(error);
    set_limits(go);
    take_streams();
    if (::chdir(kWorkspace) != 0) give_up(errno);
    if (compile != nullptr && compile[0] != nullptr) {
      // The hard limits are those of the run when they are wider: they cannot be raised again.
      limit_tree(RLIMIT_DATA, go.compile_data_bytes, go.data_bytes);
      limit_tree(RLIMIT_NPROC, go.compile_processes, go.processes);
      run_compiler(compile, environment);
    }
    limit_tree(RLIMIT_DATA, go.data_bytes, 0);
    limit_tree(RLIMIT_NPROC, go.processes, 0);
    say(Step::kRunning, 0);
    ::execvpe(command[0], command, environment);
    give_up(errno);
  }

 private:
  void say(Step step, std::int32_t value) noexcept {
    send_struct(s_.step, StepMessage{step, value});
  }

  [[noreturn]] void give_up(int error) noexcept {
    say(Step::kExecFailed, error);
    ::_exit(127);
  }

  void become_harmless() noexcept {
    const std::array keep{s_.step,  s_.ahead,           s_.input,           s_.output,
                          s_.error, s_.cgroup.tasks[0], s_.cgroup.tasks[1], s_.cgroup.tasks[2]};
    close_all_except(keep);
    ::prctl(PR_SET_NAME, "podium-shell");
    ::setsid();
    // The first to die when memory is short, before any process of the host.
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
      const ssize_t ignored = ::write(score, "1000", 4);
      static_cast<void>(ignored);
      ::close(score);
    }
    const char* step = "";
    if (const int error = confine(s_.cgroup, s_.joined, s_.uid, *s_.seccomp, &step)) {
      give_up(error);
    }
    for (int& tasks : s_.cgroup.tasks) {
      if (tasks >= 0) ::close(tasks);
      tasks = -1;
    }
  }

  /// What is known of the run by now; the rest is read by the interpreter (ahead.hpp).
  [[noreturn]] void become_interpreter() noexcept {
    AheadPayload payload(s_.ahead);
    if (!payload.read_lists()) give_up(EBADMSG);
    set_fixed_limits();
    take_streams();
    if (::chdir(kWorkspace) != 0) give_up(errno);
    if (::dup2(s_.step, kAheadStep) < 0) give_up(errno);
    ::execve(payload.command[0], payload.command, payload.environment);
    give_up(errno);
  }

  std::string_view wait_for_go(Go& go) noexcept {
    static char buffer[sizeof(Go) + kInlinePayload + 64];
    Packet packet;
    const ssize_t n = packet.wait_and_receive(s_.step, buffer);
    if (n < static_cast<ssize_t>(sizeof go)) ::_exit(0);  // pid 1 is gone, and so are we
    std::memcpy(&go, buffer, sizeof go);
    if (go.payload_is_descriptor == 0) {
      return {buffer + sizeof go, static_cast<std::size_t>(n) - sizeof go};
    }
    void* data = ::mmap(nullptr, go.payload_bytes, PROT_READ, MAP_PRIVATE, packet.descriptor(0), 0);
    if (data == MAP_FAILED) give_up(errno);
    return {static_cast<const char*>(data), go.payload_bytes};
  }

  int write_source(std::string_view name, std::string_view code) noexcept {
    char path[300];
    const int length = std::snprintf(path, sizeof path, "%s/%.*s", kCode,
                                     static_cast<int>(name.size()), name.data());
    if (length <= 0 || length >= static_cast<int>(sizeof path)) return ENAMETOOLONG;
    const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return errno;
    int error = 0;
    while (!code.empty() && error == 0) {
      const ssize_t n = ::write(fd, code.data(), code.size());
      if (n < 0) {
        error = errno == EINTR ? 0 : errno;
      } else {
        code.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    ::close(fd);
    return error;
  }

  template <class Resource>
  static void set(Resource which, std::uint64_t value) noexcept {
    const rlimit limit{value, value};
    ::setrlimit(which, &limit);
  }

  /// Where no cgroup does it. Not the address space: the runtimes of Java, Go and JavaScript
  /// reserve many gigabytes of it and use little; what counts is what can be written
  /// (getrlimit(2)).
  template <class Resource>
  static void limit_tree(Resource which, std::uint64_t now, std::uint64_t later) noexcept {
    if (now == 0) return;
    const rlimit limit{now, std::max(now, later)};
    ::setrlimit(which, &limit);
  }

  void set_limits(const Go& go) noexcept {
    set(RLIMIT_FSIZE, go.file_bytes);
    set(RLIMIT_NOFILE, go.open_files);
    set_fixed_limits();
  }

  void set_fixed_limits() noexcept {
    // Not 0: a core_pattern that is a pipe ignores that, and 1 alone means none (core(5)).
    set(RLIMIT_CORE, 1);
    set(RLIMIT_MEMLOCK, 64 * 1024);
    set(RLIMIT_MSGQUEUE, 64 * 1024);
    set(RLIMIT_SIGPENDING, 4096);
  }

  void take_streams() noexcept {
    // The pipes may lie on 0, 1 or 2 themselves: move them out of the way first.
    std::array<int, 4> fds{s_.input, s_.output, s_.error, s_.step};
    for (int& fd : fds) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
    ::dup2(fds[0], 0);
    ::dup2(fds[1], 1);
    ::dup2(fds[2], 2);
    s_.step = fds[3];
    ::close_range(3, static_cast<unsigned>(*std::ranges::min_element(fds)) - 1, 0);
    for (const int fd : {fds[0], fds[1], fds[2]}) ::close(fd);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  /// A failure ends the run here. What a compiler prints is for stderr.
  void run_compiler(char** command, char** environment) noexcept {
    say(Step::kCompiling, 0);
    const pid_t pid = ::fork();
    if (pid < 0) give_up(errno);
    if (pid == 0) {
      ::dup2(2, 1);
      ::execvpe(command[0], command, environment);
      say(Step::kExecFailed, errno);
      ::_exit(127);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
      say(Step::kCompileFailed, status);
      ::_exit(1);
    }
    say(Step::kCompiled, 0);
    StepMessage answer{};
    Packet packet;
    const ssize_t n = packet.receive(s_.step, {reinterpret_cast<char*>(&answer), sizeof answer});
    if (n != sizeof answer) ::_exit(1);  // pid 1 is gone, and so are we
  }

  RunnerSetup s_;
};

}  // namespace

void runner_main(const RunnerSetup& setup) noexcept {
  Runner runner(setup);
  runner.live();
}

void close_all_except(std::span<const int> keep) noexcept {
  std::array<int, 64> sorted{};
  std::size_t count = 0;
  for (const int fd : keep) {
    if (fd >= 0 && count < sorted.size()) sorted[count++] = fd;
  }
  std::sort(sorted.begin(), sorted.begin() + count);
  unsigned from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto fd = static_cast<unsigned>(sorted[i]);
    if (fd > from) ::close_range(from, fd - 1, 0);
    from = fd + 1;
  }
  ::close_range(from, ~0u, 0);
}

pid_t fork_into(const CgroupFiles& cgroup) noexcept {
  if (cgroup.directory < 0) return ::fork();
  clone_args arguments{};
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<std::uint64_t>(cgroup.directory);
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace podium::sandbox
