#pragma once
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace podium {

/// Writes all of `bytes`, in as many writes as it takes. 0 or errno. Blocking.
inline int write_whole(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

}  // namespace podium
