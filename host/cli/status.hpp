#pragma once
#include <ostream>

#include "base/json.hpp"
#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium status`: prints what /health/detailed says. 0 when healthy or degraded, 1 otherwise.
/// Throws Failure when the daemon cannot be asked.
int run_status(const Client& client, Console& console);

/// The same from an answer of /health/detailed. Pools of sandboxes become a table, a tier a row.
void print_status(std::ostream& out, const Json& health);

}  // namespace podium::cli
