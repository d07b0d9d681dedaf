#pragma once
#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium runs`: what runs now, of one's own or, with the administrator's key, of everybody.
int run_runs(const Client& client, Console& console);

/// `podium cancel ID`. Good too when the run has ended already.
int run_cancel(const std::string& id, const Client& client, Console& console);

}  // namespace podium::cli
