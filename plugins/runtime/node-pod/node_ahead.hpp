#pragma once
#include <string>

#include "sandboxes.hpp"

namespace podium::node_pod {

/// Name of the script that a pod loads ahead.
inline constexpr char kScript[] = "start.cjs";

/// Node as it waits: on the command line of the programs that it will run, with the variables that
/// every program has; what a run sets besides comes with it.
sandbox::AheadOptions node_ahead(const std::string& interpreter, const std::string& script);

}  // namespace podium::node_pod
