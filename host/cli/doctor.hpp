#pragma once
#include "cli/check.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium doctor`: every check, with a verdict and a remedy each. 0 when nothing is bad.
int run_doctor(const CommandLine& line, const Client& client, Console& console);

/// Prints checks as text or JSON; 1 when one of them is bad.
int print_checks(const std::vector<Check>& checks, Console& console);

}  // namespace podium::cli
