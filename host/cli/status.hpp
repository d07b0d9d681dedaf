#pragma once
#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium status`: prints what /health/detailed says. 0 when healthy or degraded, 1 otherwise.
/// Throws Failure when the daemon cannot be asked.
int run_status(const Client& client, Console& console);

}  // namespace podium::cli
