// Init, second part: what the process that waits says, and what the runtime says.

#include "init.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "step_rules.hpp"

namespace podium::sandbox {

bool Init::on_step() noexcept {
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

void Init::end_compile() noexcept {
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

void Init::announce(std::int32_t pid) noexcept {
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
  const std::array<int, 5> lent{s_.input_write, s_.output_read, s_.error_read, s_.step, header[1]};
  const std::span<const int> sent{lent.data(), takes_straight() ? lent.size() : 3};
  if (!send_struct(s_.control, Message{Kind::kReady, 0, s_.nonce}, sent)) ::_exit(1);
  for (const int fd : {s_.input_write, s_.output_read, s_.error_read, header[1]}) ::close(fd);
  header_ = header[0];
}

void Init::leave_step() noexcept {
  kept_step_ = s_.step;
  if (!takes_straight()) ::close(std::exchange(kept_step_, -1));
  s_.step = -1;
}

bool Init::takes_straight() const noexcept {
  return (forked_ || !pod_) && s_.user_uid != s_.init_uid && s_.cgroup.memory_limit >= 0 &&
         s_.cgroup.pids_limit >= 0;
}

void Init::on_children() noexcept {
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

void Init::catch_up() noexcept {
  while (ready_ && !running_ && !ended_ && (on_header() || on_control())) {
  }
}

bool Init::on_header() noexcept {
  if (header_ < 0) return false;
  RunHeader header{};
  Packet packet;
  const ssize_t n =
      packet.receive(header_, {reinterpret_cast<char*>(&header), sizeof header}, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  ::close(std::exchange(header_, -1));
  if (n == 0) return false;  // another run is given to it, or none
  if (n != sizeof header || header.message.kind != Kind::kRun || header.message.nonce != s_.nonce) {
    ::_exit(1);
  }
  begin_straight(header);
  return true;
}

bool Init::on_control() noexcept {
  Packet packet;
  const ssize_t n = packet.receive(s_.control, buffer_, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) ::_exit(0);  // the lease is over, or the daemon is gone: the kernel kills the rest
  Message message{};
  if (n < static_cast<ssize_t>(sizeof message)) ::_exit(1);
  std::memcpy(&message, buffer_, sizeof message);
  if (message.nonce != s_.nonce) ::_exit(1);
  // The header of a straight run was sent before anything that the runtime says of it.
  if (ready_ && !running_ && !ended_) on_header();
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
      return true;  // to look was all
    case Kind::kPing:
      send_struct(s_.control, Message{Kind::kPong, 0, s_.nonce});
      return true;
    default:
      ::_exit(1);
  }
}

void Init::signal_program(int number) noexcept {
  if (number <= 0 || number >= NSIG) return;
  signalled_ = true;
  if (number == SIGSTOP || number == SIGCONT) {
    ::kill(-1, number);
    return;
  }
  if (::kill(-main_, number) != 0) ::kill(main_, number);
}

}  // namespace podium::sandbox
