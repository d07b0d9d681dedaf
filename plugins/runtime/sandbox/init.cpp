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

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

#include "box.hpp"
#include "cpu_meter.hpp"
#include "packet.hpp"
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

/// A pod that is done and sleeps is killed by the end of its lease, which comes sooner than this.
constexpr std::int64_t kLeftAsleepUs = 10'000;

/// pid 1, one object a sandbox. No allocation after the clone.
class Init {
 public:
  explicit Init(const ShellSetup& setup) noexcept
      : s_(setup),
        limits_(setup.limits),
        forked_(setup.runner_step < 0),
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

  /// What failed; nullptr: nothing.
  void must_succeed(const char* failed) noexcept { must(failed == nullptr, failed); }

  void prepare() noexcept {
    const std::array keep{s_.control,
                          s_.step,
                          s_.runner_step,
                          s_.ahead,
                          s_.proc,
                          s_.input_write,
                          s_.output_read,
                          s_.error_read,
                          s_.input_read,
                          s_.output_write,
                          s_.error_write,
                          s_.cgroup.tasks[0],
                          s_.cgroup.tasks[1],
                          s_.cgroup.tasks[2],
                          s_.cgroup.directory,
                          s_.cgroup.memory_limit,
                          s_.cgroup.memory_swap_limit,
                          s_.cgroup.pids_limit,
                          s_.cgroup.cpu_limit,
                          s_.cgroup.cpu_period,
                          s_.cgroup.memory_peak,
                          s_.cgroup.oom_events,
                          s_.cgroup.pids_events,
                          s_.cgroup.pids_count,
                          s_.cgroup.oom_notice,
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

  void make_mounts() noexcept {
    must(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
         "mount /proc");
    must_succeed(box_.make(limits_, s_.user_uid));
    ::umask(022);
    if (s_.ahead >= 0) must_succeed(box_.place_ahead_script(s_.ahead));
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
    for (int* fd :
         {&s_.runner_step, &s_.ahead, &s_.input_read, &s_.output_write, &s_.error_write}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }

  void wait_for_events() noexcept {
    if (std::exchange(rehearsal_due_, false) && running_) rehearse_end();
    std::array<pollfd, 4> events{pollfd{s_.control, POLLIN, 0}, pollfd{children_, POLLIN, 0},
                                 pollfd{s_.step, POLLIN, 0},
                                 pollfd{running_ ? s_.cgroup.oom_notice : -1, POLLIN, 0}};
    int timeout = -1;
    const std::int64_t next_us = goes_on_us_ > 0 ? goes_on_us_ : deadline_us_;
    if (next_us > 0) {
      const std::int64_t left = std::min(next_us, deadline_us_) - now_us();
      timeout = left <= 0 ? 0 : static_cast<int>(left / 1000 + 1);
    }
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) ::_exit(1);
    if (deadline_us_ > 0 && now_us() >= deadline_us_) {
      return ended_ ? kill_sleeper() : finish(Stop::kWall);
    }
    if (goes_on_us_ > 0 && now_us() >= goes_on_us_) {
      goes_on_us_ = 0;
      send_struct(s_.control, Message{Kind::kGoesOn, 0, s_.nonce});
    }
    if (events[0].revents != 0) catch_up();
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
    const ssize_t n =
        packet.receive(s_.step, {reinterpret_cast<char*>(&message), sizeof message}, MSG_DONTWAIT);
    if (n < 0 && errno == ECONNRESET) go_unread_ = true;  // unix(7): it died without reading
    if (n < 0 && (errno == ECONNRESET || errno == EAGAIN)) return false;
    catch_up();
    const bool whole = n == sizeof message;
    const bool nonsense = !whole || !believes({pod_, ready_, running_, ended_}, message);
    if (n == 0 || nonsense) {  // it became the program, or died: the exit status tells
      leave_step();
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

  /// From here on the limits are those of the run, and what the compiler met of its own is
  /// forgotten.
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
    must(prepare_to_become(s_.init_uid, kInitCapabilities) == 0, "preparing to drop rights");
    if (pod_) cpu_.watch(main_);
    cpu_.all_us();  // what is called once is mapped when the run comes and calls it again
    cpu_.begin_run();
    started_us_ = now_us();
    int header[2] = {-1, -1};
    if (takes_straight()) {
      must(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, header) == 0, "socketpair");
    }
    const std::array<int, 5> lent{s_.input_write, s_.output_read, s_.error_read, s_.step,
                                  header[1]};
    const std::span<const int> sent{lent.data(), takes_straight() ? lent.size() : 3};
    if (!send_struct(s_.control, Message{Kind::kReady, 0, s_.nonce}, sent)) ::_exit(1);
    for (const int fd : {s_.input_write, s_.output_read, s_.error_read, header[1]}) ::close(fd);
    header_ = header[0];
  }

  /// It is not listened to any more. Kept where the runtime has it too: its queue may hold what a
  /// program has sent, and must end here and not there.
  void leave_step() noexcept {
    kept_step_ = s_.step;
    if (!takes_straight()) ::close(std::exchange(kept_step_, -1));
    s_.step = -1;
  }

  /// Whether a run whose limits are those of this sandbox needs nothing of pid 1 to begin: the
  /// cgroup holds them, its process sets its own, as an interpreter executed ahead does not, and is
  /// another user's.
  bool takes_straight() const noexcept {
    return (forked_ || !pod_) && s_.user_uid != s_.init_uid && s_.cgroup.memory_limit >= 0 &&
           s_.cgroup.pids_limit >= 0;
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
      cpu_.reaped();
      // Its last words, e.g. why it could not be executed. Bounded: a child may go on talking.
      for (int i = 0; i < 64 && s_.step >= 0 && !ended_ && on_step(); ++i) {
      }
      if (ended_) continue;
      catch_up();
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

  /// A run may have gone straight to the process: what that says or does is an answer to what the
  /// runtime has said here before.
  void catch_up() noexcept {
    while (ready_ && !running_ && !ended_ && (on_header() || on_control())) {
    }
  }

  /// The header of a straight run. It waits where this does not: it wakes nobody, and is there
  /// before the run's process can speak.
  bool on_header() noexcept {
    if (header_ < 0) return false;
    RunHeader header{};
    Packet packet;
    const ssize_t n =
        packet.receive(header_, {reinterpret_cast<char*>(&header), sizeof header}, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    ::close(std::exchange(header_, -1));
    if (n == 0) return false;  // another run is given to it, or none
    if (n != sizeof header || header.message.kind != Kind::kRun ||
        header.message.nonce != s_.nonce) {
      ::_exit(1);
    }
    begin_straight(header);
    return true;
  }

  /// One message. False when there was none.
  bool on_control() noexcept {
    Packet packet;
    const ssize_t n = packet.receive(s_.control, buffer_, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
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
        return true;
      case Kind::kKill: {
        KillRun kill{};
        if (n != sizeof kill) return true;
        std::memcpy(&kill, buffer_, sizeof kill);
        if (running_) finish(kill.stop);
        return true;
      }
      case Kind::kSignal: {
        SignalRun wanted{};
        if (n != sizeof wanted) return true;
        std::memcpy(&wanted, buffer_, sizeof wanted);
        if (running_ && main_ > 0) signal_program(wanted.number);
        return true;
      }
      case Kind::kStraight:
        return true;  // it has been read
      case Kind::kPing:
        send_struct(s_.control, Message{Kind::kPong, 0, s_.nonce});
        return true;
      default:
        ::_exit(1);
    }
  }

  /// As a terminal would: to the whole group, which the process leads since it waits (setsid(2)).
  /// To stand still and to go on is for all, wherever they have put themselves.
  void signal_program(int number) noexcept {
    if (number <= 0 || number >= NSIG) return;
    signalled_ = true;
    if (number == SIGSTOP || number == SIGCONT) {
      ::kill(-1, number);
      return;
    }
    if (::kill(-main_, number) != 0) ::kill(main_, number);
  }

  void run(std::size_t size, Packet& packet) noexcept {
    RunHeader header{};
    std::memcpy(&header, buffer_, sizeof header);
    const ShellLimits& first = header.compiles != 0 ? header.compile_limits : header.limits;
    if (const int error = apply_limits(s_.cgroup, first, &limits_)) {
      fail("setting the limits of the run", error);
    }
    if (header.limits.workspace_bytes != limits_.workspace_bytes ||
        header.limits.workspace_files != limits_.workspace_files) {
      must_succeed(box_.resize(header.limits));
    }
    limits_ = header.limits;
    if (header.workspace[0] != '\0') {
      const std::string_view name{header.workspace,
                                  ::strnlen(header.workspace, sizeof header.workspace)};
      must_succeed(box_.mount_inputs(name, s_.user_uid == s_.init_uid));
    }
    box_.forget_runs();
    wall_us_ = header.wall_ms * 1000;
    compile_wall_us_ = header.compile_wall_ms * 1000;
    file_bytes_ = header.file_bytes;
    Go go = go_of(header);
    go.has_inputs = header.workspace[0] != '\0' ? 1 : 0;
    if (s_.cgroup.memory_limit < 0) {
      go.data_bytes = header.limits.memory_bytes;
      go.compile_data_bytes = first.memory_bytes;
    }
    if (s_.cgroup.pids_limit < 0) {
      go.processes = header.limits.processes;
      go.compile_processes = first.processes;
    }
    if (pod_ && !forked_) limit_interpreter(go);
    const bool alike = s_.user_uid == s_.init_uid;
    if (alike) drop_rights();
    const int payload = packet.descriptor(0);
    const std::string_view rest{buffer_ + sizeof header, size - sizeof header};
    cpu_.begin_run();
    begin_run(now_us());
    if (pod_ && !forked_) send_struct(s_.step, StepMessage{Step::kComing, 0});
    if (!send_packet(s_.step, as_bytes(go), rest,
                     header.payload_is_descriptor != 0 ? std::span<const int>(&payload, 1)
                                                       : std::span<const int>())) {
      go_unread_ = true;  // its end is told when it is reaped
      if (main_ > 0) ::kill(main_, SIGKILL);
    }
    // While the program starts: it is another user's, who can do nothing to this process, and none
    // of its words are read before.
    if (!alike) drop_rights();
  }

  /// The runtime tells, and gives the rest to the process itself, which goes on beside this and may
  /// have ended: what it has used since it waits is the run's.
  void begin_straight(const RunHeader& header) noexcept {
    box_.forget_runs();
    wall_us_ = header.wall_ms * 1000;
    file_bytes_ = header.file_bytes;
    begin_run(std::min(now_us(), header.sent_us));
    // Not a failure that is told: the run has begun, and another sandbox must not get it.
    if (become_prepared(s_.init_uid, kInitCapabilities) != 0) ::_exit(1);
    rehearsal_due_ = true;
  }

  /// Beside the program, which has begun: what has not been executed for a while is slow the first
  /// time, and the end would wait for it. docs/decisions/58.
  void rehearse_end() noexcept {
    RunEnd unused{};
    static_cast<void>(is_alone());
    static_cast<void>(is_empty(box_.changes()));
    measure(unused);
  }

  void begin_run(std::int64_t now) noexcept {
    running_ = true;
    started_us_ = now;
    deadline_us_ = started_us_ + wall_us_;
    goes_on_us_ = started_us_ + kShortRun / std::chrono::microseconds(1);
  }

  void drop_rights() noexcept {
    must(become_prepared(s_.init_uid, kInitCapabilities) == 0, "dropping the rights of pid 1");
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

  // ---------------------------------------------------------------- the end

  void finish(Stop stop) noexcept {
    const std::int64_t ended_us = now_us();
    running_ = false;
    ended_ = true;
    deadline_us_ = goes_on_us_ = 0;
    // The program may have locked its own folder; of an overlay this is the mode that others see.
    if (box_.merged() >= 0) make_enterable(box_.merged());
    // A pod that says it is done has written all its output, and sleeps. When it left no files and
    // nothing else either, nobody has to wait until a big interpreter is gone: to die it would take
    // the processor on which the end is told.
    TreeFacts left;
    const bool sleeps = done_ && is_alone();
    if (done_ && !sleeps) ::kill(-1, SIGKILL);
    if (!done_ || !is_empty(box_.changes())) {
      kill_everything();
      left = make_readable(box_.changes());
    }

    RunEnd end{};
    end.message = {Kind::kEnd, 0, s_.nonce};
    end.wait_status = compile_failed_ ? compile_status_ : status_;
    end.exec_errno = exec_errno_;
    end.stop = stop;
    end.in_compile = in_compile_ || compile_failed_ ? 1 : 0;
    end.wall_us = ended_us - started_us_;
    measure(end);
    // A program that ignores SIGXFSZ, as Python does, sees an error when a file has reached its
    // limit.
    if (file_bytes_ > 0 && left.largest >= file_bytes_) end.disk_full = 1;
    send_end(end, left.any);
    if (sleeps && !left.any) deadline_us_ = now_us() + kLeftAsleepUs;
  }

  /// What the kernel knows of the run.
  void measure(RunEnd& end) const noexcept {
    end.cpu_us = cpu_.of_run();
    end.memory_peak = read_number(s_.cgroup.memory_peak, "");
    end.oom_kills = read_number(s_.cgroup.oom_events, "oom_kill") - oom_before_;
    end.process_limit_hits = read_number(s_.cgroup.pids_events, "max") - process_hits_before_;
    end.disk_full = box_.full() ? 1 : 0;
  }

  void send_end(RunEnd& end, bool changed) noexcept {
    std::array<int, 2> descriptors{};
    std::size_t count = 0;
    if (changed) {
      end.has_changes = 1;
      descriptors[count++] = box_.changes();
    }
    if (box_.merged() >= 0) {
      end.has_merged = 1;
      descriptors[count++] = box_.merged();
    }
    send_struct(s_.control, end, {descriptors.data(), count});
  }

  /// Whether the process of the run has no other beside it.
  bool is_alone() const noexcept { return main_ > 0 && read_number(s_.cgroup.pids_count, "") == 1; }

  /// The lease goes on for longer than it ought to, and what was taken for asleep may be awake.
  void kill_sleeper() noexcept {
    deadline_us_ = 0;
    ::kill(-1, SIGKILL);
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
      // What is left is no child of this: the process between a zygote and its pod, say.
      if (pid < 0 && errno == ECHILD) return;
      if (pid > 0 && pid == main_) {
        main_ = -1;
        cpu_.reaped();
        if (!done_) status_ = status;
      }
    }
  }

  ShellSetup s_;
  ShellLimits limits_;
  int children_ = -1;
  Box box_;
  CpuMeter cpu_;
  pid_t main_ = -1;
  bool ready_ = false, running_ = false, ended_ = false, signalled_ = false;
  bool in_compile_ = false, compile_failed_ = false;
  bool forked_ = false;  ///< its process came from a zygote
  bool pod_ = false;     ///< its process is the interpreter that waited: forked, or executed ahead
  bool done_ = false;    ///< the pod said that its program ended
  bool rehearsal_due_ = false;
  bool go_unread_ = false;  ///< the process died before it took the run
  int status_ = 0, compile_status_ = 0, exec_errno_ = 0;
  std::int64_t started_us_ = 0, deadline_us_ = 0, wall_us_ = 0, compile_wall_us_ = 0;
  std::int64_t goes_on_us_ = 0;  ///< when it is said that the run does; 0: was said, or none runs
  int kept_step_ = -1, header_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t oom_before_ = 0, process_hits_before_ = 0;  ///< of the compiler
  alignas(8) char buffer_[sizeof(RunHeader) + kInlinePayload + 64];
};

}  // namespace

void init_main(const ShellSetup& setup) noexcept {
  Init init(setup);
  init.live();
}

}  // namespace podium::sandbox
