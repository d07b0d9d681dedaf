#include "daemon/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/failure.hpp"
#include "obs/log_writer.hpp"
#include "packet.hpp"
#include "protocol.hpp"

namespace podium {
namespace {

/// Argument vectors are made before the fork: the supervisor itself allocates nothing.
struct Arguments {
  std::vector<std::string> text;
  std::vector<char*> pointers;

  Arguments(const SpawnerCommand& command, int control) {
    text = {command.program.string(), "--control=" + std::to_string(control),
            "--runs=" + command.runs_dir.string(),
            "--uid-base=" + std::to_string(command.uid_base)};
    for (const auto& path : command.read_only_paths) text.push_back("--show=" + path);
    for (auto& word : text) pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
};

/// A stderr that nobody reads must not keep the spawner from being started again. Allocates
/// nothing.
template <class... Values>
void complain(const char* format, Values... values) {
  std::array<char, 512> line;
  const int size = std::snprintf(line.data(), line.size(), format, values...);
  const auto length = std::min(static_cast<std::size_t>(std::max(size, 0)), line.size() - 1);
  write_within(2, {line.data(), length}, std::chrono::milliseconds(500));
}

constexpr std::array kIgnored{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE};

bool daemon_is_gone(int control) {
  pollfd event{control, 0, 0};
  return ::poll(&event, 1, 0) == 1 && (event.revents & (POLLHUP | POLLERR)) != 0;
}

[[noreturn]] void supervise(const Arguments& arguments, int control) {
  ::prctl(PR_SET_NAME, "podium-super");
  ::setsid();
  for (const int number : kIgnored) ::signal(number, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Nothing of the daemon but the control socket and stderr.
  if (control > 3) ::close_range(3, static_cast<unsigned>(control) - 1, 0);
  ::close_range(static_cast<unsigned>(control) + 1, ~0u, 0);
  char* const environment[] = {nullptr};
  for (int pause_ms = 50;; pause_ms = std::min(pause_ms * 2, 2000)) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      // What is ignored stays so across exec, down to the last program in a sandbox.
      for (const int number : kIgnored) ::signal(number, SIG_DFL);
      ::execve(arguments.pointers[0], arguments.pointers.data(), environment);
      complain("podiumd: cannot execute %s: %s\n", arguments.pointers[0], std::strerror(errno));
      ::_exit(127);
    }
    timespec before{};
    ::clock_gettime(CLOCK_MONOTONIC, &before);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    timespec after{};
    ::clock_gettime(CLOCK_MONOTONIC, &after);
    if (daemon_is_gone(control)) ::_exit(0);
    if (after.tv_sec - before.tv_sec > 10) pause_ms = 50;
    complain("podiumd: podium-spawner ended (status 0x%x); starting it again\n",
             static_cast<unsigned>(status));
    // Waits for the pause, or for the daemon's end.
    pollfd event{control, 0, 0};
    ::poll(&event, 1, pause_ms);
    if (daemon_is_gone(control)) ::_exit(0);
  }
}

}  // namespace

UniqueFd start_supervisor(const SpawnerCommand& command) {
  if (::access(command.program.c_str(), X_OK) != 0) {
    throw Failure(Code::kUnavailable, "cannot execute " + command.program.string() + ": " +
                                          std::strerror(errno) +
                                          "; it belongs beside podiumd, install it again");
  }
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair.data()) != 0) {
    throw Failure(Code::kInternal, std::string("socketpair: ") + std::strerror(errno));
  }
  UniqueFd ours(pair[0]), theirs(pair[1]);
  ::fcntl(ours.get(), F_SETFD, FD_CLOEXEC);
  const Arguments arguments(command, theirs.get());
  const pid_t pid = ::fork();
  if (pid < 0) throw Failure(Code::kInternal, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    ours.reset();
    supervise(arguments, theirs.get());
  }
  return ours;
}

UniqueFd SandboxDoor::connect() const {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw Failure(Code::kResourceExhausted, std::string("socketpair: ") + std::strerror(errno));
  }
  UniqueFd ours(pair[0]), theirs(pair[1]);
  const int passed = theirs.get();
  if (!sandbox::send_struct(control_.get(), sandbox::PlainAsk{sandbox::Ask::kConnect}, {&passed, 1},
                            MSG_DONTWAIT)) {
    throw Failure(Code::kUnavailable,
                  std::string("the sandbox spawner cannot be reached: ") + std::strerror(errno));
  }
  return ours;
}

Json SandboxDoor::facts() const {
  const UniqueFd connection = connect();
  if (!sandbox::send_struct(connection.get(), sandbox::PlainAsk{sandbox::Ask::kFacts})) {
    throw Failure(Code::kUnavailable, "the sandbox spawner does not listen");
  }
  pollfd event{connection.get(), POLLIN, 0};
  std::array<char, 8192> buffer;
  sandbox::Packet packet;
  ssize_t n = -1;
  if (::poll(&event, 1, 10'000) == 1) n = packet.receive(connection.get(), buffer);
  if (n <= 0) {
    throw Failure(Code::kUnavailable,
                  "the sandbox spawner did not come up; its reason is on this daemon's stderr");
  }
  return json_parse({buffer.data(), static_cast<std::size_t>(n)});
}

}  // namespace podium
