#pragma once
#include <string>

#include "base/json.hpp"
#include "cli/client.hpp"
#include "cli/command_line.hpp"

namespace podium::cli {

constexpr int kTimedOut = 124;  ///< as timeout(1) says it
constexpr int kOwnFailure = 125;

/// Streams of the caller; tests pass strings.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool json = false;  ///< results as JSON on `out`
};

/// `podium exec`: uploads, runs, downloads, prints. Returns the exit code of the program, see
/// exit_code_of. Throws Failure.
int run_exec(const ExecOptions& options, const Client& client, Console& console);

/// The exit code that tells how a run ended: the program's; 128 + n for a signal; kTimedOut;
/// kOwnFailure when nothing of that is known.
int exit_code_of(const Json& result);

/// "1.5 s", "23 ms"; "1.2 MiB", "640 B": for people.
std::string readable_time(double milliseconds);
std::string readable_size(double bytes);

}  // namespace podium::cli
