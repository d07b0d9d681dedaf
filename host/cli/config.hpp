#pragma once
#include <ostream>

#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium config`: what the configuration is and what would become of it. 0 when good; of diff, 1
/// when something would change. Throws Failure.
int run_config(const CommandLine& line, const Client& client, Console& console);

/// The daemon's list of changes, one a line: "/limits/wall: "30s" → "10s"".
void print_changes(const Json& changes, std::ostream& out);

}  // namespace podium::cli
