#include "sandbox_run.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "packet.hpp"
#include "payload.hpp"

namespace podium::sandbox {
namespace {

/// "{source}" in a command line is the path of the code inside the sandbox, "{folder}" the folder
/// it lies in.
std::string with_paths(std::string_view word, const std::string& source) {
  std::string text(word);
  for (const auto& [mark, path] :
       {std::pair<std::string_view, std::string_view>{"{source}", source}, {"{folder}", kCode}}) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += path.size()) {
      text.replace(at, mark.size(), path);
    }
  }
  return text;
}

/// Set for every program unless the language or the request says otherwise.
constexpr std::array<std::string_view, 5> kEnvironment{"PATH=/usr/local/bin:/usr/bin:/bin",
                                                       "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8",
                                                       "USER=sandbox"};

std::vector<std::string> environment_of(const sdk::RunView& view) {
  std::vector<std::string> out;
  for (const auto given : view.environment()) out.emplace_back(given);
  for (const auto base : kEnvironment) {
    const auto name = base.substr(0, base.find('=') + 1);
    if (std::ranges::none_of(out, [&](const auto& v) { return v.starts_with(name); })) {
      out.emplace_back(base);
    }
  }
  return out;
}

/// A host that does not know limits of the compile step means those of the run.
ShellLimits compile_limits(const podium_limits& limits, const ShellLimits& run) {
  ShellLimits out = run;
  if (!PODIUM_HAS(&limits, compile_cpu_millis) || limits.compile_cpu_millis == 0) return out;
  out.memory_bytes = limits.compile_memory_bytes;
  out.processes = limits.compile_processes;
  out.cpu_millis = limits.compile_cpu_millis;
  return out;
}

ShellLimits shell_limits(const podium_limits& limits) {
  ShellLimits out;
  out.memory_bytes = limits.memory_bytes;
  out.processes = limits.processes;
  out.workspace_bytes = limits.workspace_bytes;
  out.workspace_files = limits.workspace_files;
  out.cpu_millis = limits.cpu_millis;
  return out;
}

/// Whether pid 1 has nothing to prepare for this run.
bool goes_straight(const RunHeader& header, const Shell& shell) noexcept {
  return shell.process && header.limits == shell.limits && header.compiles == 0 &&
         header.workspace[0] == '\0';
}

/// To the process itself. What pid 1 must know when that speaks waits for it then, where it wakes
/// nobody: the processor that sleeps is for the process. False: nothing was started.
bool send_straight(RunHeader& header, std::string_view payload, std::span<const int> files,
                   const Shell& shell) noexcept {
  header.sent_us = SandboxRun::Clock::now().time_since_epoch() / std::chrono::microseconds(1);
  if (!send_struct(shell.header.get(), header, {}, MSG_DONTWAIT) ||
      !send_packet(shell.process.get(), as_bytes(go_of(header)), payload, files, MSG_DONTWAIT)) {
    return false;
  }
  // The run has begun, whether there is room for this or not: pid 1 looks for the header at any
  // word.
  send_struct(shell.control.get(), Message{Kind::kStraight, 0, shell.nonce}, {}, MSG_DONTWAIT);
  return true;
}

/// Made before a sandbox is taken: a shortage here must not cost one.
sdk::Descriptor to_file(const std::string& payload) {
  sdk::Descriptor file(::memfd_create("payload", MFD_CLOEXEC));
  for (std::size_t done = 0; file && done < payload.size();) {
    const ssize_t n = ::write(file.get(), payload.data() + done, payload.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) file.reset();
    done += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  if (file) return file;
  throw sdk::Error(PODIUM_UNAVAILABLE, "the code cannot be handed to a sandbox: " +
                                           std::generic_category().message(errno) +
                                           "; this host is short of memory or descriptors");
}

}  // namespace

SandboxRun::SandboxRun(const sdk::RunView& view, const sdk::Callbacks& to)
    : callbacks(to),
      id(view.id()),
      standard_input(view.standard_input()),
      opens_input(view.open_input()),
      input_open(opens_input),
      output_limit(view.limits().output_bytes),
      started(Clock::now()),
      give_up_at(Clock::time_point::max()) {
  const podium_limits& limits = view.limits();
  const std::string source = std::string(kCode) + "/" + std::string(view.source_name());
  std::vector<std::string> compile, whole;
  for (const auto word : view.compile()) compile.push_back(with_paths(word, source));
  for (const auto word : view.command()) whole.push_back(with_paths(word, source));
  if (whole.empty()) {
    throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                     "language '" + std::string(view.language()) + "' has no command line to run");
  }
  command = compile.empty() ? whole.front() : compile.front();
  makes_program = !compile.empty() && whole.front().starts_with(kCode);
  for (const auto word : view.arguments()) whole.emplace_back(word);

  PayloadWriter writer;
  writer.string(view.source_name());
  writer.string(view.code());
  writer.list(compile);
  writer.list(whole);
  writer.list(environment_of(view));
  payload = writer.bytes();

  header.limits = shell_limits(limits);
  header.compile_limits = compile_limits(limits, header.limits);
  header.compiles = compile.empty() ? 0 : 1;
  header.wall_ms = limits.wall_ms;
  header.compile_wall_ms = limits.compile_wall_ms;
  header.file_bytes = limits.file_bytes;
  header.open_files = limits.open_files;
  header.payload_bytes = payload.size();
  if (payload.size() > kInlinePayload) {
    payload_file = to_file(payload);
    header.payload_is_descriptor = 1;
    payload.clear();
    payload.shrink_to_fit();
  }
  if (view.workspace() >= 0) {
    const auto name = view.id();
    if (name.size() >= sizeof header.workspace) {
      throw sdk::Error(PODIUM_INVALID_ARGUMENT, "the run's id is longer than 31 characters");
    }
    std::memcpy(header.workspace, name.data(), name.size());
  }
}

Sent dispatch(SandboxRun& run, Shell& shell) noexcept {
  RunHeader& header = run.header;
  header.message.nonce = shell.nonce;
  shell.straight = goes_straight(header, shell);
  const int file = run.payload_file.get();
  const std::span<const int> files(&file, file >= 0 ? 1 : 0);
  const bool sent = shell.straight ? send_straight(header, run.payload, files, shell)
                                   : send_packet(shell.control.get(), as_bytes(header), run.payload,
                                                 files, MSG_DONTWAIT);
  const int error = errno;
  // From here on user code may write to that socket: what it sends, descriptors among them, must
  // never be left to this process to close.
  shell.process.reset();
  shell.header.reset();
  errno = error;
  if (sent) return Sent::kSent;
  const bool is_short = errno == ENOMEM || errno == ENOBUFS || errno == ETOOMANYREFS;
  return is_short ? Sent::kShort : Sent::kGone;
}

void send_kill(const Shell& shell, Stop why) noexcept {
  KillRun kill;
  kill.message.nonce = shell.nonce;
  kill.stop = why;
  send_struct(shell.control.get(), kill, {}, MSG_DONTWAIT);
}

bool feed_input(SandboxRun& run, Shell& shell) noexcept {
  while (run.input_written < run.standard_input.size()) {
    const ssize_t n = ::write(shell.input.get(), run.standard_input.data() + run.input_written,
                              run.standard_input.size() - run.input_written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) {  // the program closed its end: its right
      run.input_open = false;
      break;
    }
    run.input_written += static_cast<std::size_t>(n);
  }
  if (!run.input_open) shell.input.reset();
  return true;
}

bool drain_output(SandboxRun& run, int fd, std::uint32_t stream, bool& over) noexcept {
  std::array<char, 65536> buffer;
  std::uint64_t& passed = run.passed[stream];
  // Bounded, so that one loud program does not keep the loop from the others.
  for (int round = 0; round < 16 && (round == 0 || !run.held); ++round) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return true;
    if (n == 0) return false;
    const std::uint64_t left = run.output_limit - passed;
    const std::uint64_t take = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(n));
    if (take > 0) run.callbacks.output(stream, {buffer.data(), static_cast<std::size_t>(take)});
    passed += take;
    if (take < static_cast<std::uint64_t>(n)) over = true;
    if (static_cast<std::size_t>(n) < buffer.size()) return true;  // a pipe gives all that it has
  }
  return true;
}

podium_completion completion_of(SandboxRun& run, const RunEnd& end) noexcept {
  podium_completion completion = sdk::empty_completion();
  completion.phase = end.in_compile != 0 ? PODIUM_PHASE_COMPILE : PODIUM_PHASE_RUN;
  // No run took longer than from its start to now, whatever the other end says.
  const std::int64_t elapsed_us =
      std::chrono::duration_cast<std::chrono::microseconds>(SandboxRun::Clock::now() - run.started)
          .count();
  completion.wall_us = std::clamp<std::int64_t>(end.wall_us, 0, elapsed_us);
  completion.cpu_us = std::max<std::int64_t>(0, end.cpu_us);
  completion.memory_peak = end.memory_peak;
  completion.start_us = elapsed_us - completion.wall_us;
  const bool exited = WIFEXITED(end.wait_status);
  const int signal = WIFSIGNALED(end.wait_status) ? WTERMSIG(end.wait_status) : 0;
  if (exited && end.stop == Stop::kNone) completion.exit_code = WEXITSTATUS(end.wait_status);
  completion.signal = end.stop == Stop::kNone ? signal : SIGKILL;

  if (end.exec_errno == E2BIG) {
    completion.code = PODIUM_INVALID_ARGUMENT;
    run.message = "args and env are longer than this system hands to a program";
  } else if (end.exec_errno == ENOSPC || end.exec_errno == EFBIG) {
    completion.code = PODIUM_INVALID_ARGUMENT;
    run.message = "the code is longer than what a run may write to files";
  } else if (end.exec_errno != 0 && end.in_compile == 0 && run.makes_program) {
    // It may be a library, or the work of a compiler that was told to write elsewhere.
    completion.phase = PODIUM_PHASE_COMPILE;
    completion.exit_code = 0;
  } else if (end.exec_errno == ENOENT || end.exec_errno == EACCES || end.exec_errno == ENOTDIR) {
    completion.code = PODIUM_UNSUPPORTED;
    run.message = run.command + " cannot be started in the sandbox: " +
                  std::generic_category().message(end.exec_errno) +
                  "; is it installed? (podium languages)";
  } else if (end.exec_errno != 0) {
    completion.code = PODIUM_UNAVAILABLE;
    run.message = "cannot start " + run.command +
                  " in the sandbox: " + std::generic_category().message(end.exec_errno);
  } else if (end.stop == Stop::kCancel) {
    completion.code = PODIUM_CANCELLED;
  } else if (end.stop == Stop::kOutput && end.process_limit_hits == 0) {
    completion.limit = PODIUM_LIMIT_OUTPUT;
  } else if (end.stop == Stop::kMemory || end.oom_kills > 0) {
    completion.limit = PODIUM_LIMIT_MEMORY;
  } else if (end.process_limit_hits > 0) {
    // Before the wall and the output: a fork bomb meets both, the latter by its complaints.
    completion.limit = PODIUM_LIMIT_PROCESSES;
  } else if (end.stop == Stop::kWall) {
    completion.limit = PODIUM_LIMIT_WALL;
  } else if (signal == SIGXFSZ || completion.exit_code == 128 + SIGXFSZ ||  // as a shell tells it
             (end.disk_full != 0 && completion.exit_code != 0)) {
    completion.limit = PODIUM_LIMIT_DISK;
  }
  completion.message = sdk::bytes(run.message);
  completion.changes = run.changes.get();
  completion.merged = run.merged.get();
  completion.warm = run.shell != nullptr && (run.shell->zygote != 0 || run.shell->ahead) ? 1 : 0;
  return completion;
}

}  // namespace podium::sandbox
