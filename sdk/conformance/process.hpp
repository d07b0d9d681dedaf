#pragma once
#include "case.hpp"

namespace podium::conform {

enum class State : std::uint8_t { kPassed, kFailed, kSkipped };

/// What a case came to.
struct Verdict {
  State state = State::kPassed;
  std::string what;      ///< what was wrong, or why it was not run
  std::string expected;  ///< of a failure
  std::string note;
  double seconds = 0;
};

/// Runs a case in a child process with the settings' limit. stdout and stderr of the child are a
/// file that the case can look at; its scratch folder is removed afterwards, and what it left
/// running is killed. `spawner` is the control socket of a sandbox spawner, -1: none.
Verdict run_in_child(const Case& one, const Settings& settings, Kind kind, int spawner);

}  // namespace podium::conform
