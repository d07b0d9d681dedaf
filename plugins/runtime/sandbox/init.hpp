#pragma once
/// pid 1 of a sandbox, which init_main() of shell.hpp runs. Its parts: init.cpp makes the sandbox
/// and waits, init_talk.cpp is what the process and the runtime say, init_run.cpp begins a run,
/// init_end.cpp ends it.

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include <linux/capability.h>

#include "box.hpp"
#include "cpu_meter.hpp"
#include "packet.hpp"
#include "shell.hpp"

namespace podium::sandbox {

constexpr std::uint64_t capability_bit(int capability) { return std::uint64_t{1} << capability; }

/// What pid 1 keeps while user code runs: to kill the tree and to read the files it left.
inline constexpr std::uint64_t kInitCapabilities =
    capability_bit(CAP_KILL) | capability_bit(CAP_DAC_READ_SEARCH) | capability_bit(CAP_FOWNER);

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
  static std::int64_t now_us() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
  }

  [[noreturn]] void fail(const char* what, int error) noexcept;
  void must(bool ok, const char* what) noexcept {
    if (!ok) fail(what, errno);
  }
  /// What failed; nullptr: nothing.
  void must_succeed(const char* failed) noexcept { must(failed == nullptr, failed); }

  void prepare() noexcept;
  void make_mounts() noexcept;
  void start_runner() noexcept;
  void wait_for_events() noexcept;

  // What the process and the runtime say: init_talk.cpp.
  /// One message. False when there was none.
  bool on_step() noexcept;
  /// From here on the limits are those of the run, and what the compiler met of its own is
  /// forgotten.
  void end_compile() noexcept;
  void announce(std::int32_t pid) noexcept;
  /// It is not listened to any more. Kept where the runtime has it too: its queue may hold what a
  /// program has sent, and must end here and not there.
  void leave_step() noexcept;
  /// Whether a run whose limits are those of this sandbox needs nothing of pid 1 to begin: the
  /// cgroup holds them, its process sets its own, as an interpreter executed ahead does not, and is
  /// another user's.
  bool takes_straight() const noexcept;
  void on_children() noexcept;
  /// A run may have gone straight to the process: what that says or does is an answer to what the
  /// runtime has said here before.
  void catch_up() noexcept;
  /// The header of a straight run. It waits where this does not: it wakes nobody, and is there
  /// before the run's process can speak.
  bool on_header() noexcept;
  /// One message. False when there was none.
  bool on_control() noexcept;
  /// As a terminal would: to the whole group, which the process leads since it waits (setsid(2)).
  /// To stand still and to go on is for all, wherever they have put themselves.
  void signal_program(int number) noexcept;

  // The beginning of a run: init_run.cpp.
  void run(std::size_t size, Packet& packet) noexcept;
  /// The runtime tells, and gives the rest to the process itself, which goes on beside this and may
  /// have ended: what it has used since it waits is the run's.
  void begin_straight(const RunHeader& header) noexcept;
  /// Beside the program, which has begun: what has not been executed for a while is slow the first
  /// time, and the end would wait for it. docs/decisions/58.
  void rehearse_end() noexcept;
  void begin_run(std::int64_t now) noexcept;
  void drop_rights() noexcept;
  /// What a runner does to itself. As the interpreter's own user, who may do it to any process of
  /// his: CAP_SYS_RESOURCE is missing in many containers. It is in name only, and until become().
  void limit_interpreter(const Go& go) noexcept;

  // Its end: init_end.cpp.
  void finish(Stop stop) noexcept;
  /// What the kernel knows of the run.
  void measure(RunEnd& end) const noexcept;
  void send_end(RunEnd& end, bool changed) noexcept;
  /// Whether the process of the run has no other beside it.
  bool is_alone() const noexcept { return main_ > 0 && read_number(s_.cgroup.pids_count, "") == 1; }
  /// The lease goes on for longer than it ought to, and what was taken for asleep may be awake.
  void kill_sleeper() noexcept;
  /// The whole tree dies with the run. New children of the dying are killed in the next round.
  void kill_everything() noexcept;

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

}  // namespace podium::sandbox
