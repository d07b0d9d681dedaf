#pragma once
#include <string>

#include "exec/command.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// What became of a program, in the words of an answer.
struct Outcome {
  RunStatus status = RunStatus::kCompleted;
  std::string message;  ///< one sentence unless kCompleted
};

/// Reads a completion without failure; `limits` are those of the run, for the sentence.
Outcome outcome_of(const Completion& completion, const Limits& limits);

/// "SIGKILL"; "SIGRTMIN+3"; "signal 99" for a number that is none.
std::string signal_name(int signal);

}  // namespace podium
