#pragma once
#include <podium/sdk/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "protocol.hpp"

namespace podium::sandbox {

/// One shell as the runtime sees it. The descriptors close with the last owner.
struct Shell {
  enum class State { kMaking, kReady, kRunning, kEnded, kDead };

  std::uint32_t id = 0;
  std::uint64_t nonce = 0;
  std::size_t pool = 0;
  std::uint32_t zygote = 0;
  bool ahead = false;          ///< an interpreter was executed in it ahead of the run
  std::uint64_t packages = 0;  ///< of that interpreter, when it was
  ShellLimits limits;
  State state = State::kMaking;
  sdk::Descriptor control, input, output, error;
  sdk::Descriptor process;  ///< to what waits in it, until its run; none: all goes through pid 1
  sdk::Descriptor header;   ///< to pid 1, which is not woken by it; there when process is
  std::chrono::steady_clock::time_point asked_at, pinged_at;
  unsigned missed_pings = 0;
  std::chrono::steady_clock::time_point kill_asked_at;  ///< of the spawner; epoch: never
  bool failed = false;         ///< pid 1 has said so; a run it was sent has not begun
  bool sending = false;        ///< a run is on its way to it; until then the loop leaves it alone
  bool cancel_wanted = false;  ///< to be sent behind the run
  bool straight = false;       ///< its run was sent to its process and not through pid 1
  bool heard = false;          ///< the loop watches its output
  struct SandboxRun* run = nullptr;
  /// Held by whoever tells the host of the run, before the lock of all sandboxes: its words come
  /// from two threads, its end from either.
  std::mutex telling;
};

/// One run: the lease that the host holds.
struct SandboxRun {
  using Clock = std::chrono::steady_clock;

  /// Throws sdk::Error.
  SandboxRun(const sdk::RunView& view, const sdk::Callbacks& to);

  /// Another sandbox gets all input from the beginning.
  void rewind_input() noexcept {
    input_written = 0;
    input_open = opens_input;
  }

  sdk::Callbacks callbacks;
  std::string id;
  std::string command;         ///< for messages: the first program to be started
  bool makes_program = false;  ///< what is run at last comes from the compile step
  RunHeader header;            ///< without nonce
  std::string payload;         ///< or, when it is too long for a packet:
  sdk::Descriptor payload_file;
  std::string standard_input;
  std::size_t input_written = 0;
  bool opens_input = false;       ///< the run was asked for so
  bool input_open = false;        ///< more may come: the pipe is not closed behind standard_input
  std::string more_input;         ///< came while it runs, in its pool's lock
  bool input_ends = false;        ///< behind more_input; in the lock
  bool room_wanted = false;       ///< more was refused; in the lock
  bool input_watched = false;     ///< the loop waits for room in the pipe; in the lock
  std::atomic<bool> held{false};  ///< nothing of its output is read; changed in the lock
  bool listened = false;          ///< somebody waits for every word of it; in the lock
  std::uint64_t output_limit = 0;
  std::uint64_t passed[3] = {0, 0, 0};  ///< bytes by stream number

  bool output_over = false;  ///< more was written than the limit

  std::size_t pool = 0;
  Clock::time_point started;     ///< start() was called
  Clock::time_point give_up_at;  ///< while it waits for a shell; max(): never
  Clock::time_point stuck_at = Clock::time_point::max();  ///< pid 1 must have answered by then
  bool hit = false;                                       ///< a shell was waiting for it
  bool counted = false;                                   ///< as a hit or a miss
  bool retried = false;
  bool cancelled = false;
  std::shared_ptr<Shell> shell;
  sdk::Descriptor changes, merged;
  std::string message;
};

/// What became of a run that was to be given to a shell.
enum class Sent {
  kSent,
  kGone,   ///< the shell is gone
  kShort,  ///< this process or the kernel had no room for it: another shell would not take it
           ///< either
};

/// Gives the run to the shell. Nothing was started unless it is kSent.
Sent dispatch(SandboxRun& run, Shell& shell) noexcept;

/// Asks pid 1 to end its run. What a sandbox that is gone does not hear needs no word.
void send_kill(const Shell& shell, Stop why) noexcept;

/// Writes what the pipe takes of the run's standard input and closes it at the end, unless more may
/// come. True when all is written or nobody reads any more.
bool feed_input(SandboxRun& run, Shell& shell) noexcept;

/// Passes on what has been written to one stream, up to the run's limit; reads on to the end of
/// what is there, or until the run is held. Returns false at end of file. `over` becomes true when
/// the limit was passed.
bool drain_output(SandboxRun& run, int fd, std::uint32_t stream, bool& over) noexcept;

/// What pid 1 said of the end, in the words of the ABI. `message` keeps the text it points to.
podium_completion completion_of(SandboxRun& run, const RunEnd& end) noexcept;

}  // namespace podium::sandbox
