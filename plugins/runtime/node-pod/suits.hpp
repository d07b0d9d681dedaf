#pragma once
#include <podium/sdk/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace podium::node_pod {

/// Why this run needs a node of its own; nothing when a warm one does the same.
std::optional<std::string> why_unsuited(const sdk::RunView& run, std::string_view interpreter);

}  // namespace podium::node_pod
