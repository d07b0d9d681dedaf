#include "exec/outcome.hpp"

#include <csignal>
#include <cstring>

#include "base/units.hpp"

namespace podium {
namespace {

/// "30 s", "1.5 s": people and models read this.
std::string in_seconds(milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest != 0) {
    std::string digits = std::to_string(rest);
    digits.insert(0, 3 - digits.size(), '0');
    while (digits.back() == '0') digits.pop_back();
    text += "." + digits;
  }
  return text + " s";
}

Outcome limit_outcome(const Completion& completion, const Limits& limits) {
  const bool in_compile = completion.in_compile;
  const Bytes memory = in_compile ? limits.compile_memory : limits.memory;
  const auto processes = in_compile ? limits.compile_processes : limits.processes;
  // Some programs see their limit as an error, and end by themselves.
  const char* how = completion.exit_code >= 0 ? " hit a limit: it " : " was stopped: it ";
  const std::string stopped = (in_compile ? "The compiler" : "The program") + std::string(how);
  switch (completion.limit) {
    case LimitHit::kNone:
      break;
    case LimitHit::kWall:
      return {RunStatus::kTimedOut,
              stopped + "ran longer than its limit of " +
                  in_seconds(in_compile ? limits.compile_wall : limits.wall) +
                  (in_compile ? "; make the code simpler to compile."
                              : "; do less in one run, or find a faster way.")};
    case LimitHit::kMemory:
      return {RunStatus::kOutOfMemory, stopped + "needed more memory than its limit of " +
                                           format_size(memory) +
                                           "; use smaller data, or a part of it at a time."};
    case LimitHit::kProcesses:
      return {RunStatus::kProcessLimit,
              stopped + "started more processes and threads than its limit of " +
                  std::to_string(processes) +
                  "; use fewer workers, and wait for those that ended."};
    case LimitHit::kOutput:
      return {RunStatus::kOutputLimit,
              stopped + "wrote more to stdout or stderr than its limit of " +
                  format_size(limits.output) + "; print less, or write to a file in /mnt/data."};
    case LimitHit::kDisk:
      return {RunStatus::kDiskLimit, stopped + "wrote more to files than its limits allow: " +
                                         format_size(limits.file_size) + " a file, " +
                                         format_size(limits.workspace) + " and " +
                                         std::to_string(limits.workspace_files) + " files in all."};
  }
  return {};
}

/// What most often is behind a signal, for who has to mend the program.
const char* meaning_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return " (it used memory that is not its own, or recursed too deeply)";
    case SIGBUS:
      return " (it used memory that is not there, e.g. behind the end of a mapped file)";
    case SIGABRT:
      return " (it gave up by itself, e.g. at a failed assertion or uncaught exception)";
    case SIGFPE:
      return " (an arithmetic error, e.g. a division by zero)";
    case SIGILL:
      return " (an instruction that this processor does not have)";
    case SIGSYS:
      return " (a system call that is not allowed here)";
    case SIGPIPE:
      return " (it wrote to a pipe that nobody reads)";
    default:
      return "";
  }
}

Outcome run_outcome(const Completion& completion, const Limits& limits) {
  if (completion.signal == SIGXFSZ) {
    return {RunStatus::kDiskLimit,
            "The program was stopped by SIGXFSZ: a file grew past its limit of " +
                format_size(limits.file_size) + "."};
  }
  if (completion.signal != 0) {
    return {RunStatus::kSignaled, "The program was ended by the signal " +
                                      signal_name(completion.signal) +
                                      meaning_of(completion.signal) + "."};
  }
  if (completion.exit_code == 127 || completion.exit_code == 126) {
    return {RunStatus::kFailed, "The program exited with code " +
                                    std::to_string(completion.exit_code) +
                                    ": a command was not found or could not be started."};
  }
  if (completion.exit_code > 0) {
    return {RunStatus::kFailed,
            "The program exited with code " + std::to_string(completion.exit_code) + "."};
  }
  if (completion.exit_code < 0) {
    return {RunStatus::kFailed, "The program ended without an exit code."};
  }
  return {};
}

Outcome compile_outcome(const Completion& completion) {
  std::string how;
  if (completion.signal != 0) {
    how = "the compiler was ended by the signal " + signal_name(completion.signal) + ".";
  } else if (completion.exit_code == 0) {
    how = "the compiler made nothing that can be started; does the code have a main program?";
  } else {
    how = "the compiler exited with code " + std::to_string(completion.exit_code) +
          "; what it says is on stderr.";
  }
  return {RunStatus::kCompileError, "The program could not be compiled: " + how};
}

}  // namespace

Outcome outcome_of(const Completion& completion, const Limits& limits) {
  if (completion.limit != LimitHit::kNone) {
    Outcome outcome = limit_outcome(completion, limits);
    if (completion.in_compile && completion.limit != LimitHit::kWall) {
      outcome.status = RunStatus::kCompileError;
    }
    return outcome;
  }
  return completion.in_compile ? compile_outcome(completion) : run_outcome(completion, limits);
}

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal)) return "SIG" + std::string(name);
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    const int offset = signal - SIGRTMIN;
    return offset == 0 ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(offset);
  }
  return "signal " + std::to_string(signal);
}

}  // namespace podium
