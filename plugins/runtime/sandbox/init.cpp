#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "ahead.hpp"
#include "packet.hpp"
#include "root.hpp"
#include "shell.hpp"
#include "step_rules.hpp"
#include "tidy_tree.hpp"
#include "user_namespace.hpp"

namespace podium::sandbox {
namespace {

std::int64_t now_us() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

/// What pid 1 keeps while user code runs: to kill the tree and to read the files it left.
constexpr std::uint64_t kInitCapabilities =
    bit(CAP_KILL) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_FOWNER);

constexpr int kWaitingNice = 10;

/// pid 1, one object a sandbox. No allocation after the clone.
class Init {
 public:
  explicit Init(const ShellSetup& setup) noexcept
      : s_(setup), limits_(setup.limits), forked_(setup.runner_step < 0),
        pod_(forked_ || setup.ahead >= 0) {}

  [[noreturn]] void live() noexcept {
    prepare();
    for (;;) wait_for_events();
  }

 private:
  [[noreturn]] void fail(const char* what, int error) noexcept {
    Failed failed{};
    failed.message = {Kind::kFailed, 0, s_.nonce};
    failed.error = error;
    std::snprintf(failed.what, sizeof failed.what, "%s", what);
    send_struct(s_.control, failed);
    ::_exit(1);
  }

  void must(bool ok, const char* what) noexcept {
    if (!ok) fail(what, errno);
  }

  void prepare() noexcept {
    const std::array keep{s_.control, s_.step, s_.runner_step, s_.ahead, s_.proc, s_.input_write, s_.output_read,
                          s_.error_read, s_.input_read, s_.output_write, s_.error_write,
                          s_.cgroup.tasks[0], s_.cgroup.tasks[1], s_.cgroup.tasks[2],
                          s_.cgroup.directory, s_.cgroup.memory_limit, s_.cgroup.memory_swap_limit,
                          s_.cgroup.pids_limit, s_.cgroup.cpu_limit, s_.cgroup.cpu_period, s_.cgroup.memory_peak,
                          s_.cgroup.oom_events, s_.cgroup.pids_events, s_.cgroup.oom_notice,
                          s_.cgroup.cpu_used};
    close_all_except(keep);
    ::prctl(PR_SET_NAME, "podium-init");
    if (s_.user_uid != s_.init_uid) {
      ::setpriority(PRIO_PROCESS, 0, kWaitingNice);
    } else if (const int error = map_own_identity(s_.proc, s_.user_uid, s_.gid); error != 0) {
      fail("mapping the own account in the sandbox", error);
    }
    if (s_.proc >= 0) ::close(s_.proc);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    children_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    must(children_ >= 0, "signalfd");
    make_mounts();
    must(::sethostname("sandbox", 7) == 0, "sethostname");
    // Here and not when the run comes: forty system calls less on its way. Nothing is lost by it,
    // the set only bounds what an exec could gain.
    must(drop_bounding_set(kInitCapabilities) == 0, "dropping the bounding set of pid 1");
    if (forked_) {
      must(send_struct(s_.step, StepMessage{Step::kPrepared, 0}), "telling the pod to enter");
    } else {
      start_runner();
    }
  }

  void box_options(char* text, std::size_t size) const noexcept {
    std::snprintf(text, size, "mode=755,size=%llu,nr_inodes=%llu",
                  static_cast<unsigned long long>(limits_.workspace_bytes),
                  static_cast<unsigned long long>(limits_.workspace_files) + 16);
  }

  /// One tmpfs is everything a run may write: workspace, code, /tmp and /dev/shm share its size.
  void make_mounts() noexcept {
    must(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
         "mount /proc");
    char options[96];
    box_options(options, sizeof options);
    must(::mount("box", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, options) == 0, "mount /mnt");
    ::umask(0);
    for (const char* folder : {kWorkspace, kCode}) {
      must(::mkdir(folder, 0755) == 0 && ::chown(folder, s_.user_uid, s_.user_uid) == 0, folder);
    }
    changes_ = ::open(kWorkspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(changes_ >= 0, "open /mnt/data");
    must(::mkdir("/mnt/.work", 0700) == 0 && ::mkdir("/mnt/.none", 0) == 0, "mkdir /mnt/.work");
    // The runs of others lie behind a folder of root's; from here on only behind this descriptor.
    // Covered, not unmounted: that would wait until no processor can still be using it.
    runs_ = ::open(kRunsInside, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(runs_ >= 0, "open the runs");
    must(::mount("/mnt/.none", kHiddenInside, nullptr, MS_BIND, nullptr) == 0, "hiding the runs");
    must(::mkdir("/mnt/.tmp", 01777) == 0 &&
             ::mount("/mnt/.tmp", "/tmp", nullptr, MS_BIND, nullptr) == 0, "bind /tmp");
    must(::mkdir("/mnt/.shm", 01777) == 0 &&
             ::mount("/mnt/.shm", "/dev/shm", nullptr, MS_BIND, nullptr) == 0, "bind /dev/shm");
    ::umask(022);
    if (s_.ahead >= 0) place_ahead_script();
  }

  void start_runner() noexcept {
    main_ = fork_into(s_.cgroup);
    must(main_ >= 0, "fork");
    if (main_ == 0) {
      RunnerSetup runner;
      runner.uid = s_.user_uid;
      runner.cgroup = s_.cgroup;
      runner.joined = s_.cgroup.directory >= 0 && s_.cgroup.tasks[0] < 0;
      runner.step = s_.runner_step;
      runner.ahead = s_.ahead;
      runner.input = s_.input_read;
      runner.output = s_.output_write;
      runner.error = s_.error_write;
      runner.seccomp = s_.seccomp;
      runner_main(runner);
    }
    // Held here they would keep the streams open after the last process of the run.
    for (int* fd : {&s_.runner_step, &s_.ahead, &s_.input_read, &s_.output_write, &s_.error_write}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }

  /// Root's, so that the program cannot change what its threads may read again.
  void place_ahead_script() noexcept {
    const AheadPayload payload(s_.ahead);
    if (!payload.ok()) fail("reading what is to be executed ahead", EBADMSG);
    must(::mkdir(kAheadFolder, 0755) == 0, kAheadFolder);
    char path[128];
    std::snprintf(path, sizeof path, "%s/%.*s", kAheadFolder,
                  static_cast<int>(payload.name.size()), payload.name.data());
    const int file = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    must(file >= 0, path);
    const auto size = static_cast<ssize_t>(payload.script.size());
    must(::write(file, payload.script.data(), payload.script.size()) == size, path);
    ::close(file);
  }

  void wait_for_events() noexcept {
    std::array<pollfd, 4> events{pollfd{s_.control, POLLIN, 0}, pollfd{children_, POLLIN, 0},
                                 pollfd{s_.step, POLLIN, 0},
                                 pollfd{running_ ? s_.cgroup.oom_notice : -1, POLLIN, 0}};
    int timeout = -1;
    if (deadline_us_ > 0) {
      const std::int64_t left = deadline_us_ - now_us();
      timeout = left <= 0 ? 0 : static_cast<int>(left / 1000 + 1);
    }
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) ::_exit(1);
    if (deadline_us_ > 0 && now_us() >= deadline_us_) return finish(Stop::kWall);
    if (events[2].revents != 0) on_step();
    if (events[3].revents != 0 && running_) return finish(Stop::kMemory);
    if (events[1].revents != 0) on_children();
    if (events[0].revents != 0) on_control();
  }

  // ---------------------------------------------------------------- what the process says

  /// One message. False when there was none.
  bool on_step() noexcept {
    StepMessage message{};
    Packet packet;
    const ssize_t n = packet.receive(
        s_.step, {reinterpret_cast<char*>(&message), sizeof message}, MSG_DONTWAIT);
    if (n < 0 && errno == ECONNRESET) go_unread_ = true;  // unix(7): it died without reading
    if (n < 0 && (errno == ECONNRESET || errno == EAGAIN)) return false;
    const bool whole = n == sizeof message;
    const bool nonsense = !whole || !believes({pod_, ready_, running_, ended_}, message);
    if (n == 0 || nonsense) {  // it became the program, or died: the exit status tells
      ::close(s_.step);
      s_.step = -1;
      // The zygote could not or would not fork, the interpreter ended.
      if (pod_ && !ready_) {
        fail(forked_ ? "no pod came from the zygote" : "the interpreter does not wait", ECHILD);
      }
      return false;
    }
    switch (message.step) {
      case Step::kWaiting:
        if (!ready_) announce(message.value);
        break;
      case Step::kCompiling:
        deadline_us_ = now_us() + compile_wall_us_;
        in_compile_ = true;
        break;
      case Step::kCompiled:
        if (in_compile_) end_compile();
        break;
      case Step::kRunning:
        started_us_ = now_us();
        deadline_us_ = started_us_ + wall_us_;
        in_compile_ = false;
        break;
      case Step::kCompileFailed:
        compile_failed_ = true;
        compile_status_ = message.value;
        break;
      case Step::kExecFailed:
        if (ended_) break;
        if (!running_) fail("confining the sandbox's process", message.value);
        exec_errno_ = message.value;
        // Said by a program it ends that program, as an exit would.
        if (pod_) finish(Stop::kNone);
        break;
      case Step::kDone:
        if (pod_ && running_) {
          status_ = (message.value & 0xff) << 8;
          done_ = true;
          finish(Stop::kNone);
        }
        break;
      case Step::kPrepared:
      case Step::kComing:
        break;
    }
    return true;
  }

  /// From here on the limits are those of the run, and what the compiler met of its own is forgotten.
  void end_compile() noexcept {
    const int error = apply_limits(s_.cgroup, limits_, nullptr);
    // v1 refuses a limit below what is used and cannot be freed: files that the compiler made.
    if (error == EBUSY) {
      in_compile_ = false;
      return finish(Stop::kMemory);
    }
    if (error != 0) fail("setting the limits after the compile step", error);
    oom_before_ = read_number(s_.cgroup.oom_events, "oom_kill");
    process_hits_before_ = read_number(s_.cgroup.pids_events, "max");
    send_struct(s_.control, Message{Kind::kCompiled, 0, s_.nonce});
    if (!send_struct(s_.step, StepMessage{Step::kCompiled, 0}) && main_ > 0) {
      ::kill(main_, SIGKILL);
    }
  }

  void announce(std::int32_t pid) noexcept {
    if (main_ <= 0) main_ = pid;
    ready_ = true;
    // What is made is modest; from here on it waits, and will work.
    ::setpriority(PRIO_PROCESS, 0, 0);
    if (pod_ && !forked_) {
      ::setpriority(PRIO_USER, s_.user_uid, 0);  // all its threads; nobody else here is that user
    } else {
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(main_), 0);
    }
    if (pod_) {
      if (::clock_getcpuclockid(main_, &pod_clock_) != 0) pod_clock_ = 0;
      char path[32];
      std::snprintf(path, sizeof path, "/proc/%d/stat", main_);
      pod_stat_ = ::open(path, O_RDONLY | O_CLOEXEC);
    }
    // What is called once is mapped when the run comes and calls it again.
    cpu_before_us_ = cpu_us();
    started_us_ = now_us();
    const std::array<int, 3> streams{s_.input_write, s_.output_read, s_.error_read};
    if (!send_struct(s_.control, Message{Kind::kReady, 0, s_.nonce}, streams)) ::_exit(1);
    for (const int fd : streams) ::close(fd);
  }

  void on_children() noexcept {
    signalfd_siginfo info;
    while (::read(children_, &info, sizeof info) > 0) {
    }
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0) return;
      if (ended_ || (pid != main_ && ready_)) continue;  // an orphan of the run
      main_ = -1;
      // Its last words, e.g. why it could not be executed. Bounded: a child may go on talking.
      for (int i = 0; i < 64 && s_.step >= 0 && !ended_ && on_step(); ++i) {
      }
      if (ended_) continue;
      if (!running_) fail("the process that waited in the sandbox died", ECHILD);
      // One that a signal for the program ended is its end: another process must not get the run.
      if (go_unread_ && !signalled_) {
        fail("the process that waited died before it took the run", ECHILD);
      }
      status_ = status;
      return finish(Stop::kNone);
    }
  }

  // ---------------------------------------------------------------- what the runtime says

  void on_control() noexcept {
    Packet packet;
    const ssize_t n = packet.receive(s_.control, buffer_, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) ::_exit(0);  // the lease is over, or the daemon is gone: the kernel kills the rest
    Message message{};
    if (n < static_cast<ssize_t>(sizeof message)) ::_exit(1);
    std::memcpy(&message, buffer_, sizeof message);
    if (message.nonce != s_.nonce) ::_exit(1);
    switch (message.kind) {
      case Kind::kRun:
        if (ready_ && !running_ && !ended_ && n >= static_cast<ssize_t>(sizeof(RunHeader))) {
          run(static_cast<std::size_t>(n), packet);
        }
        return;
      case Kind::kKill: {
        KillRun kill{};
        if (n != sizeof kill) return;
        std::memcpy(&kill, buffer_, sizeof kill);
        if (running_) finish(kill.stop);
        return;
      }
      case Kind::kSignal: {
        SignalRun wanted{};
        if (n != sizeof wanted) return;
        std::memcpy(&wanted, buffer_, sizeof wanted);
        if (running_ && main_ > 0) signal_program(wanted.number);
        return;
      }
      case Kind::kPing:
        send_struct(s_.control, Message{Kind::kPong, 0, s_.nonce});
        return;
      default:
        ::_exit(1);
    }
  }

  /// As a terminal would: to the whole group, which the process leads since it waits (setsid(2)).
  void signal_program(int number) noexcept {
    if (number <= 0 || number >= NSIG) return;
    signalled_ = true;
    if (::kill(-main_, number) != 0) ::kill(main_, number);
  }

  void run(std::size_t size, Packet& packet) noexcept {
    on_children();  // a process that died while it waited must not get the run
    RunHeader header{};
    std::memcpy(&header, buffer_, sizeof header);
    const ShellLimits& first = header.compiles != 0 ? header.compile_limits : header.limits;
    if (const int error = apply_limits(s_.cgroup, first, &limits_)) {
      fail("setting the limits of the run", error);
    }
    resize_box(header.limits);
    if (header.workspace[0] != '\0') mount_workspace(header);
    ::close(runs_);
    wall_us_ = header.wall_ms * 1000;
    compile_wall_us_ = header.compile_wall_ms * 1000;
    Go go{};
    go.file_bytes = file_bytes_ = header.file_bytes;
    go.open_files = header.open_files;
    go.payload_bytes = header.payload_bytes;
    go.payload_is_descriptor = header.payload_is_descriptor;
    if (s_.cgroup.memory_limit < 0) {
      go.data_bytes = header.limits.memory_bytes;
      go.compile_data_bytes = first.memory_bytes;
    }
    if (s_.cgroup.pids_limit < 0) {
      go.processes = header.limits.processes;
      go.compile_processes = first.processes;
    }
    if (pod_ && !forked_) limit_interpreter(go);
    must(become(s_.init_uid, kInitCapabilities) == 0, "dropping the rights of pid 1");
    const int payload = packet.descriptor(0);
    const std::string_view rest{buffer_ + sizeof header, size - sizeof header};
    running_ = true;
    cpu_before_us_ = pod_cpu_us();
    started_us_ = now_us();
    deadline_us_ = started_us_ + wall_us_;
    if (pod_ && !forked_) send_struct(s_.step, StepMessage{Step::kComing, 0});
    if (!send_packet(s_.step, as_bytes(go), rest,
                     header.payload_is_descriptor != 0 ? std::span<const int>(&payload, 1)
                                                       : std::span<const int>())) {
      go_unread_ = true;  // its end is told when it is reaped
      if (main_ > 0) ::kill(main_, SIGKILL);
    }
  }

  /// What a runner does to itself. As the interpreter's own user, who may do it to any process of
  /// his: CAP_SYS_RESOURCE is missing in many containers. It is in name only, and until become().
  void limit_interpreter(const Go& go) noexcept {
    const auto same = static_cast<uid_t>(-1);
    must(::setresgid(s_.user_uid, same, same) == 0 && ::setresuid(s_.user_uid, same, same) == 0,
         "taking the name of the run's user");
    const auto limit = [&](auto which, std::uint64_t value) {
      const rlimit wanted{value, value};
      if (value != 0) must(::prlimit(main_, which, &wanted, nullptr) == 0, "prlimit");
    };
    limit(RLIMIT_FSIZE, go.file_bytes);
    limit(RLIMIT_NOFILE, go.open_files);
    limit(RLIMIT_DATA, go.data_bytes);
    limit(RLIMIT_NPROC, go.processes);
  }

  void resize_box(const ShellLimits& wanted) noexcept {
    const bool same = wanted.workspace_bytes == limits_.workspace_bytes &&
                      wanted.workspace_files == limits_.workspace_files;
    limits_ = wanted;
    if (same) return;
    char options[96];
    box_options(options, sizeof options);
    must(::mount(nullptr, "/mnt", nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV, options) == 0,
         "resizing the sandbox's tmpfs");
  }

  /// The inputs below, what the program changes above: exactly that is in /mnt/data's own folder.
  void mount_workspace(const RunHeader& header) noexcept {
    char options[256];
    std::snprintf(options, sizeof options,
                  "lowerdir=/proc/self/fd/%d/%.31s,upperdir=%s,workdir=/mnt/.work%s", runs_,
                  header.workspace, kWorkspace,
                  // Not what the kernel's builder or a module's parameter says: with these the folder
                  // of changes would hold references to the inputs in place of their content.
                  s_.user_uid == s_.init_uid ? ",userxattr"
                                             : ",redirect_dir=off,metacopy=off,index=off");
    must(::mount("workspace", kWorkspace, "overlay", MS_NOSUID | MS_NODEV, options) == 0,
         "mounting the workspace overlay");
    merged_ = ::open(kWorkspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(merged_ >= 0, "open the merged workspace");
  }

  // ---------------------------------------------------------------- the end

  void finish(Stop stop) noexcept {
    const std::int64_t ended_us = now_us();
    running_ = false;
    ended_ = true;
    deadline_us_ = 0;
    // The program may have locked its own folder; of an overlay this is the mode that others see.
    if (merged_ >= 0) make_enterable(merged_);
    // A pod that says it is done has written all its output. When it left no files either, nobody
    // has to wait until a big interpreter is gone.
    TreeFacts left;
    if (done_) {
      ::kill(-1, SIGKILL);
      left = make_readable(changes_);
    }
    if (!done_ || left.any) {
      kill_everything();
      left = make_readable(changes_);
    }

    RunEnd end{};
    end.message = {Kind::kEnd, 0, s_.nonce};
    end.wait_status = compile_failed_ ? compile_status_ : status_;
    end.exec_errno = exec_errno_;
    end.stop = stop;
    end.in_compile = in_compile_ || compile_failed_ ? 1 : 0;
    end.wall_us = ended_us - started_us_;
    end.cpu_us = cpu_us() - cpu_before_us_;
    end.memory_peak = read_number(s_.cgroup.memory_peak, "");
    end.oom_kills = read_number(s_.cgroup.oom_events, "oom_kill") - oom_before_;
    end.process_limit_hits = read_number(s_.cgroup.pids_events, "max") - process_hits_before_;
    struct statfs box {};
    end.disk_full = ::statfs("/mnt", &box) == 0 && (box.f_bfree == 0 || box.f_ffree == 0);
    // A program that ignores SIGXFSZ, as Python does, sees an error when a file has reached its limit.
    if (file_bytes_ > 0 && left.largest >= file_bytes_) end.disk_full = 1;
    send_end(end, left.any);
  }

  /// What the pod's own process has used since its fork; 0 when it is reaped.
  std::int64_t pod_cpu_us() const noexcept {
    timespec t{};
    if (pod_clock_ == 0 || main_ <= 0 || ::clock_gettime(pod_clock_, &t) != 0) return 0;
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
  }

  /// What children of the pod's process have used that it has waited for, in the coarse units of
  /// proc_pid_stat(5); 0 when it is reaped.
  std::int64_t pod_children_us() const noexcept {
    char text[512];
    const ssize_t n = main_ > 0 ? ::pread(pod_stat_, text, sizeof text - 1, 0) : 0;
    if (n <= 0) return 0;
    text[n] = '\0';
    const char* at = std::strrchr(text, ')');  // the end of the 2nd field
    for (int field = 3; at != nullptr && field <= 16; ++field) at = std::strchr(at + 1, ' ');
    if (at == nullptr) return 0;
    char* end = nullptr;
    const long user = std::strtol(at, &end, 10);  // the 16th and 17th field
    const long kernel = std::strtol(end, nullptr, 10);
    return (user + kernel) * (1'000'000 / ::sysconf(_SC_CLK_TCK));
  }

  /// Of all processes so far that were reaped, and of a pod's, which may not be.
  std::int64_t cpu_us() const noexcept {
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    return (std::int64_t{used.ru_utime.tv_sec} + used.ru_stime.tv_sec) * 1'000'000 +
           used.ru_utime.tv_usec + used.ru_stime.tv_usec + pod_cpu_us() + pod_children_us();
  }

  void send_end(RunEnd& end, bool changed) noexcept {
    std::array<int, 2> descriptors{};
    std::size_t count = 0;
    if (changed) {
      end.has_changes = 1;
      descriptors[count++] = changes_;
    }
    if (merged_ >= 0) {
      end.has_merged = 1;
      descriptors[count++] = merged_;
    }
    send_struct(s_.control, end, {descriptors.data(), count});
  }

  /// The whole tree dies with the run. New children of the dying are killed in the next round.
  void kill_everything() noexcept {
    for (;;) {
      if (::kill(-1, SIGKILL) != 0 && errno == ESRCH) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return;
      }
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, 0);
      if (pid == main_) {
        main_ = -1;
        if (!done_) status_ = status;
      }
      if (pid < 0 && errno == ECHILD) return;
    }
  }

  ShellSetup s_;
  ShellLimits limits_;
  int children_ = -1;
  int runs_ = -1;  ///< the folder with the inputs of every run, until this one begins
  int changes_ = -1, merged_ = -1;
  pid_t main_ = -1;
  bool ready_ = false, running_ = false, ended_ = false, signalled_ = false;
  bool in_compile_ = false, compile_failed_ = false;
  bool forked_ = false;     ///< its process came from a zygote
  bool pod_ = false;        ///< its process is the interpreter that waited: forked, or executed ahead
  bool done_ = false;       ///< the pod said that its program ended
  bool go_unread_ = false;  ///< the process died before it took the run
  int status_ = 0, compile_status_ = 0, exec_errno_ = 0;
  std::int64_t started_us_ = 0, deadline_us_ = 0, wall_us_ = 0, compile_wall_us_ = 0;
  std::int64_t cpu_before_us_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t oom_before_ = 0, process_hits_before_ = 0;  ///< of the compiler
  int pod_stat_ = -1;
  clockid_t pod_clock_ = 0;  ///< 0, which is a clock of the host's: it has none
  alignas(8) char buffer_[sizeof(RunHeader) + kInlinePayload + 64];
};

}  // namespace

void init_main(const ShellSetup& setup) noexcept {
  Init init(setup);
  init.live();
}

}  // namespace podium::sandbox
