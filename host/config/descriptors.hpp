#pragma once
#include <cstdint>

namespace podium {

/// Descriptors that the daemon may need at a time: each connection has its socket and at most one
/// file, which is uploaded or downloaded over it; the rest is for runs, plugins and the database,
/// which uploads must not leave without.
constexpr std::uint64_t descriptors_wanted(std::uint64_t connections) noexcept {
  constexpr std::uint64_t kBeside = 4096;
  return 2 * connections + kBeside;
}

}  // namespace podium
