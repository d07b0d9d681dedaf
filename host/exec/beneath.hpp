#pragma once
#include "base/fd.hpp"

namespace podium {

/// Opens `path` below the directory: never through a symbolic link, out of the directory or into
/// another mount, whatever a program does meanwhile (openat2(2), Linux 5.6). Never blocks on a
/// FIFO. On failure the descriptor is empty and errno says why. O_CLOEXEC is added to `flags`.
UniqueFd open_beneath(int directory, const char* path, int flags) noexcept;

}  // namespace podium
