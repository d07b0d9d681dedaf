#include "daemon/preflight.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/units.hpp"

extern char** environ;

namespace podium {
namespace {

constexpr std::size_t kMaxOutput = 16'384;

/// Reads what is there, without waiting; false at the end.
bool read_some(const UniqueFd& reader, std::string& output) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = ::read(reader.get(), buffer.data(), buffer.size());
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (output.size() < kMaxOutput) output.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

ChildOutcome run_child(const std::vector<std::string>& words, std::chrono::milliseconds limit) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw Failure(Code::kInternal, std::string("pipe: ") + std::strerror(errno));
  }
  UniqueFd reader(pipe[0]), writer(pipe[1]);
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw Failure(Code::kInternal, "starting " + words[0] + ": " + std::strerror(error));
  }
  writer.reset();

  ChildOutcome outcome;
  // The child's end and not the pipe's: what the child started may keep that open.
  const UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (bool alive = true; alive;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> events{{{ended.get(), POLLIN, 0}, {reader.get(), POLLIN, 0}}};
    const int ready =
        left.count() <= 0 ? 0 : ::poll(events.data(), 2, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      throw Failure(Code::kDeadlineExceeded, "it did not end within " + format_duration(limit));
    }
    alive = events[0].revents == 0;
    if (!read_some(reader, outcome.output)) reader.reset();  // poll passes over a closed one
  }
  ::waitpid(pid, &outcome.status, 0);
  return outcome;
}

void preflight(const std::filesystem::path& podiumd, const std::filesystem::path& config,
               std::chrono::milliseconds limit) {
  ChildOutcome outcome;
  try {
    outcome = run_child({podiumd.string(), "--check=" + config.string()}, limit);
  } catch (const Failure& failure) {
    throw failure.within("the pre-flight, which opens the plugins");
  }
  if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) return;
  std::string reason = outcome.output;
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  if (WIFEXITED(outcome.status) && reason.empty()) {
    reason = "the pre-flight ended with status " + std::to_string(WEXITSTATUS(outcome.status)) +
             " without a word: a plugin called exit() when it was opened";
  }
  if (WIFSIGNALED(outcome.status)) {
    reason = "the pre-flight died of signal " + std::to_string(WTERMSIG(outcome.status)) +
             " while it opened the plugins" + (reason.empty() ? "" : ": " + reason);
  }
  throw Failure(Code::kInvalidArgument, reason);
}

}  // namespace podium
