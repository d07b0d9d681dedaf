#pragma once
/// What travels between the daemon's runtimes, the spawner and pid 1 of each sandbox.
///
/// All sockets are SOCK_SEQPACKET between processes of one machine and one build: messages are
/// plain structs of host byte order, one a packet, with descriptors beside them (SCM_RIGHTS).
/// No message comes from user code: it never holds one of these sockets.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace podium::sandbox {

/// What the cgroup and the tmpfs of a sandbox allow.
struct ShellLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes = 0;
  std::uint64_t workspace_bytes = 0;
  std::uint64_t workspace_files = 0;
  std::uint32_t cpu_millis = 0;
  std::uint32_t reserved = 0;

  bool operator==(const ShellLimits&) const = default;
};

// ---------------------------------------------------------------- runtime → spawner

enum class Ask : std::uint32_t {
  kConnect = 1,  ///< control socket only; descriptor: the spawner's end of a new connection
  kFacts,        ///< answered by a packet of JSON text
  kNewShell,     ///< answered by ShellMade
  kKillShell,    ///< not answered
  kNewZygote,    ///< answered by ShellMade; see zygote.hpp
  kKillZygote,   ///< not answered
};

struct PlainAsk {
  Ask ask;
};

/// Descriptor, when ahead is 1: an AheadPayload, see ahead.hpp.
struct NewShell {
  Ask ask = Ask::kNewShell;
  std::uint32_t id = 0;     ///< chosen by the asker, unique on its connection
  std::uint64_t nonce = 0;  ///< repeated in every message of this shell's pid 1
  ShellLimits limits;
  std::uint32_t zygote = 0;  ///< id of the zygote to fork; 0: a shell for a job
  std::uint32_t ahead = 0;   ///< 1: an interpreter is executed in it ahead of the run
};

/// Kills a shell that does not end by itself (its pid 1 is stuck).
struct KillShell {
  Ask ask = Ask::kKillShell;
  std::uint32_t id = 0;
};

/// A template interpreter, started once; pods are forked from it. Descriptors: the script that it
/// runs and the extension module that the script loads, open for reading. They travel as
/// descriptors because the sandbox's root does not show where Podium is installed.
struct NewZygote {
  Ask ask = Ask::kNewZygote;
  std::uint32_t id = 0;        ///< chosen by the asker, unique on its connection, not 0
  char interpreter[128] = {};  ///< path inside the sandbox's root
  char argument[256] = {};     ///< the tier's modules, separated by commas; may be empty
};

/// Kills a zygote, e.g. one that does not become ready; its pods live on.
struct KillZygote {
  Ask ask = Ask::kKillZygote;
  std::uint32_t id = 0;
};

/// Descriptor, when error is 0: the asker's end of the socket to pid 1 (to the zygote).
struct ShellMade {
  std::uint32_t id = 0;
  std::int32_t error = 0;  ///< errno
  char what[120] = {};     ///< the step that failed
};

// ---------------------------------------------------------------- runtime ↔ pid 1

enum class Kind : std::uint32_t {
  kReady = 1,  ///< pid 1 →: a process waits; descriptors: stdin (w), stdout (r), stderr (r), and,
               ///< when a run may go straight to it, pid 1's end of the socket to that process
               ///< and a socket for the header of that run
  kRun,        ///< → pid 1: RunHeader, payload behind it or as a memfd
  kKill,       ///< → pid 1: KillRun
  kEnd,        ///< pid 1 →: RunEnd; descriptors: changes, merged, as the flags say
  kPing,       ///< → pid 1: are you there? answered by kPong while it waits or runs
  kPong,
  kSignal,    ///< → pid 1: SignalRun, for the process group of the program
  kCompiled,  ///< pid 1 →: the compiler succeeded, the program begins
  kGoesOn,    ///< pid 1 →: the run is not one of the short ones, which are most (kShortRun)
  kFailed,    ///< pid 1 →: Failed; the shell could not be made or its process died idle. A run
              ///< that was sent meanwhile has not begun
  kStraight,  ///< → pid 1: the header of a run is in the other socket, and Go with its process
};

struct Message {
  Kind kind;
  std::uint32_t reserved = 0;
  std::uint64_t nonce = 0;
};

/// Largest payload that travels in the packet itself.
inline constexpr std::size_t kInlinePayload = 96 * 1024;

/// The payload is a sequence of strings, each an uint32 length and its bytes: source name, code,
/// then three lists (an uint32 count and so many strings): compile, command with its arguments,
/// environment.
struct RunHeader {
  Message message{Kind::kRun};
  ShellLimits limits;
  ShellLimits compile_limits;  ///< during the compile step; those of the tmpfs as in limits
  std::int64_t wall_ms = 0;
  std::int64_t compile_wall_ms = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t payload_bytes = 0;
  std::uint32_t payload_is_descriptor = 0;
  std::uint32_t compiles = 0;  ///< 1: there is a compile step
  std::int64_t sent_us = 0;    ///< of a straight run: the time on CLOCK_MONOTONIC
  char workspace[32] = {};     ///< name below the runs directory; empty: the run has no inputs
};

/// A run that is over within this is not looked at before its end.
inline constexpr std::chrono::milliseconds kShortRun{3};

enum class Stop : std::uint32_t { kNone = 0, kCancel, kOutput, kWall, kMemory };

struct KillRun {
  Message message{Kind::kKill};
  Stop stop = Stop::kCancel;
  std::uint32_t reserved = 0;
};

struct SignalRun {
  Message message{Kind::kSignal};
  std::int32_t number = 0;
  std::uint32_t reserved = 0;
};

struct RunEnd {
  Message message{Kind::kEnd};
  std::int32_t wait_status = 0;  ///< as from waitpid; of the compiler when in_compile
  std::int32_t exec_errno = 0;   ///< the command could not be executed
  Stop stop = Stop::kNone;       ///< why it was killed; kNone: it ended by itself
  std::uint32_t in_compile = 0;
  std::int64_t wall_us = 0;
  std::int64_t cpu_us = 0;
  std::uint64_t memory_peak = 0;  ///< 0: unknown
  std::uint64_t oom_kills = 0;
  std::uint64_t process_limit_hits = 0;
  std::uint32_t disk_full = 0;
  std::uint32_t has_changes = 0;
  std::uint32_t has_merged = 0;
  std::uint32_t reserved = 0;
};

struct Failed {
  Message message{Kind::kFailed};
  std::int32_t error = 0;
  char what[124] = {};
};

// ---------------------------------------------------------------- pid 1 ↔ the process that waits

/// Of a pod pid 1 listens to kDone alone once it has been given a run: from then on user code may
/// hold the socket.
enum class Step : std::uint32_t {
  kWaiting = 1,  ///< → pid 1: confined, waiting; value: its pid in the sandbox
  kCompiling,    ///< → pid 1
  kRunning,      ///< → pid 1: the program itself begins now
  kCompiled,  ///< → pid 1: the compiler succeeded; answered by kCompiled, after which the limits
              ///< are those of the run
  kCompileFailed,  ///< → pid 1: value is the compiler's wait status
  kExecFailed,     ///< → pid 1: value is errno
  kDone,           ///< → pid 1: a pod's program ended; value is its exit code. Not to be trusted
                   ///< further than an exit code of its own
  kPrepared,       ///< pid 1 → a pod: the mounts are there, enter
  kComing,         ///< pid 1 → an interpreter executed ahead: Go is the next packet
};

struct StepMessage {
  Step step;
  std::int32_t value = 0;
};

/// pid 1 → the process that waits: go. The payload follows as in RunHeader.
struct Go {
  std::uint64_t file_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t data_bytes = 0;          ///< RLIMIT_DATA where no cgroup limits memory; 0: none
  std::uint64_t processes = 0;           ///< RLIMIT_NPROC where no cgroup counts them; 0: none
  std::uint64_t compile_data_bytes = 0;  ///< the same during the compile step
  std::uint64_t compile_processes = 0;
  std::uint32_t payload_is_descriptor = 0;
  std::uint32_t has_inputs = 0;  ///< 1: the workspace was mounted for this run
};

/// What a run's process is told without regard to its sandbox.
inline Go go_of(const RunHeader& header) noexcept {
  Go go;
  go.file_bytes = header.file_bytes;
  go.open_files = header.open_files;
  go.payload_bytes = header.payload_bytes;
  go.payload_is_descriptor = header.payload_is_descriptor;
  return go;
}

static_assert(sizeof(Go) == 64, "plugins/runtime/node-pod/start.cjs reads it by offsets");
static_assert(sizeof(StepMessage) == 8, "plugins/runtime/node-pod/start.cjs writes it");

/// Where things are inside a sandbox.
inline constexpr char kWorkspace[] = "/mnt/data";
inline constexpr char kCode[] = "/mnt/code";

}  // namespace podium::sandbox
