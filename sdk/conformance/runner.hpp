#pragma once
#include <string>
#include <vector>

#include "report.hpp"

namespace podium::conform {

/// Runs the cases that `only` selects (none: all) and prints each as it ends. A selection is a
/// name, a group ("storage/" or "storage"), or a pattern with * and ?.
std::vector<Result> run_cases(const Settings& settings, const std::vector<std::string>& only);

/// Whether one of `only` selects a case; an empty list selects all.
bool is_selected(const std::string& name, const std::vector<std::string>& only);

}  // namespace podium::conform
