#pragma once
#include <cstdint>

namespace podium::sandbox {

/// What make_readable() met.
struct TreeFacts {
  bool any = false;           ///< the directory holds something
  std::uint64_t largest = 0;  ///< bytes of the largest regular file
};

/// Makes every regular file below the directory readable and every directory enterable for others,
/// so that the daemon, which is another user, can collect them. Never follows a symbolic link,
/// enters no other file system, stops at 64 levels. Needs CAP_DAC_READ_SEARCH and CAP_FOWNER for
/// folders of the user. Async-signal-safe.
TreeFacts make_readable(int directory) noexcept;

/// Whether the directory holds nothing; one that cannot be read is said to hold something. Moves
/// the descriptor's offset to the beginning. Async-signal-safe.
bool is_empty(int directory) noexcept;

/// Lets others list and enter this one directory. Async-signal-safe.
void make_enterable(int directory) noexcept;

}  // namespace podium::sandbox
