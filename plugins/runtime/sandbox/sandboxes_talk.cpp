// Sandboxes, fourth part: what a program hears while it runs, and when its output is left alone.

#include <utility>

#include "channels.hpp"
#include "packet.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {
namespace {

/// Input that waits for a program to read it. More is refused until there is room.
constexpr std::size_t kMostWaitingInput = 1u << 20;
/// What was written beyond this has been read, by the size of pipes: the run has begun and will not
/// be given to another sandbox, so that it need not be kept.
constexpr std::size_t kSurelyRead = 256u << 10;

}  // namespace

void Sandboxes::write_input(podium_lease* lease, std::string_view data) {
  auto* run = sdk::from_lease<SandboxRun>(lease);
  const std::lock_guard lock(mutex_);
  if (run->input_ends) return;
  if (!run->more_input.empty() && run->more_input.size() + data.size() > kMostWaitingInput) {
    // Nobody reads. What came is kept all the same: the sandbox may be found to have died before it
    // took the run, and another gets it.
    const std::shared_ptr<Shell>& shell = run->shell;
    if (shell != nullptr && !shell->sending && !shell->input) return;
    run->room_wanted = true;
    throw sdk::Error(PODIUM_RESOURCE_EXHAUSTED, "the program has not read its input yet");
  }
  run->more_input.append(data);
  want_input(*run);
}

void Sandboxes::close_input(podium_lease* lease) noexcept {
  auto* run = sdk::from_lease<SandboxRun>(lease);
  const std::lock_guard lock(mutex_);
  run->input_ends = true;
  want_input(*run);
}

/// In the lock: the loop writes when the pipe takes something, at once if it does now.
void Sandboxes::want_input(SandboxRun& run) {
  const std::shared_ptr<Shell>& shell = run.shell;
  if (shell == nullptr || shell->state != Shell::State::kRunning || shell->sending) return;
  if (run.input_watched || !shell->input) return;
  run.input_watched = loop_.watch(shell->input.get(), tag_of(shell->id, kInput), true);
}

/// In the lock: nobody reads any more, which the pipe would tell for as long as it is watched.
void Sandboxes::unwatch_input(SandboxRun& run) {
  const bool watched = std::exchange(run.input_watched, false);
  if (watched && run.shell != nullptr && run.shell->input) loop_.forget(run.shell->input.get());
}

/// Writes what the pipe takes of all that has come. True when nothing is left to be written.
bool Sandboxes::pass_input(SandboxRun& run, Shell& shell) {
  while (feed_input(run, shell)) {
    if (!shell.input) return true;  // its end, or nobody reads
    if (run.more_input.empty() && !run.input_ends) return true;
    if (run.input_written > kSurelyRead) {
      run.standard_input.clear();
      run.input_written = 0;
    }
    run.standard_input.append(run.more_input);
    run.more_input.clear();
    if (run.input_ends) run.input_open = false;
  }
  return false;
}

/// There is room in the pipe. A closed descriptor leaves the loop by itself.
void Sandboxes::on_input(const std::shared_ptr<Shell>& shell) {
  SandboxRun* run = nullptr;
  bool room = false;
  const std::lock_guard telling(shell->telling);
  {
    // Whoever writes looks at the descriptor that this may close. A pipe takes little.
    const std::lock_guard lock(mutex_);
    const bool running = shell->state == Shell::State::kRunning && !shell->sending;
    run = running ? shell->run : nullptr;
    if (!shell->input) return;
    if (run == nullptr) {
      // Nobody reads any more, which the pipe would go on to tell; or it is not the time yet, and
      // who sends the run watches it again.
      loop_.forget(shell->input.get());
      return;
    }
    if (pass_input(*run, *shell)) {
      if (shell->input) loop_.forget(shell->input.get());
      run->input_watched = false;
    }
    room = (run->more_input.empty() || !shell->input) && std::exchange(run->room_wanted, false);
  }
  if (room) run->callbacks.input_room();
}

void Sandboxes::signal(podium_lease* lease, int number) {
  auto* run = sdk::from_lease<SandboxRun>(lease);
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Shell>& shell = run->shell;
  if (shell == nullptr || shell->sending) {
    throw sdk::Error(PODIUM_UNAVAILABLE, "the program has not begun yet");
  }
  if (shell->state != Shell::State::kRunning) return;
  SignalRun wanted;
  wanted.message.nonce = shell->nonce;
  wanted.number = number;
  send_struct(shell->control.get(), wanted, {}, MSG_DONTWAIT);
}

void Sandboxes::hold_output(podium_lease* lease, bool held) noexcept {
  auto* run = sdk::from_lease<SandboxRun>(lease);
  const std::lock_guard lock(mutex_);
  run->held = held;
  if (!held) run->listened = true;
  const std::shared_ptr<Shell>& shell = run->shell;
  if (held || shell == nullptr || shell->state != Shell::State::kRunning || shell->sending) return;
  hear(*shell);
}

/// In the lock. The loop forgot the streams it found something in that nobody took; watching the
/// others again does nothing.
void Sandboxes::hear(Shell& shell) {
  shell.heard = true;
  if (shell.output) loop_.watch(shell.output.get(), tag_of(shell.id, kOutput));
  if (shell.error) loop_.watch(shell.error.get(), tag_of(shell.id, kError));
}

/// In the lock. Most runs are over before, and what they wrote is found in the pipes at their end:
/// neither they nor the loop are interrupted for it. One that has filled a pipe waits so long.
void Sandboxes::on_going_on(Shell& shell) {
  if (shell.state != Shell::State::kRunning || shell.run == nullptr) return;
  if (!shell.heard && !shell.run->held) hear(shell);
  refill(shell.pool);
}

}  // namespace podium::sandbox
