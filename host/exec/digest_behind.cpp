#include "exec/digest_behind.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/sha256.hpp"

namespace podium {
namespace {

constexpr Bytes kBuffer = 256 << 10;

}  // namespace

void DigestBehind::written(Bytes size) {
  {
    std::lock_guard lock(mutex_);
    written_ = size;
  }
  changed_.notify_one();
}

std::string DigestBehind::hex() {
  stop(true);
  return hex_;
}

void DigestBehind::stop(bool finish) noexcept {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    (finish ? finish_ : abandon_) = true;
  }
  changed_.notify_one();
  thread_.join();
}

void DigestBehind::run() noexcept {
  try {
    Sha256 hash;
    const std::unique_ptr<char[]> buffer(new char[kBuffer]);
    Bytes done = 0, until = 0;
    for (;;) {
      if (done == until) {
        std::unique_lock lock(mutex_);
        // A buffer at a time, so that the one who writes need not wake this thread for each byte.
        changed_.wait(lock, [&] { return finish_ || abandon_ || written_ - done >= kBuffer; });
        until = written_;
        if (abandon_) return;
        if (done == until) break;
      }
      const ssize_t got = ::pread(fd_, buffer.get(), std::min(kBuffer, until - done),
                                  static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      hash.update({buffer.get(), static_cast<std::size_t>(got)});
      done += static_cast<Bytes>(got);
    }
    hex_ = hash.hex();
  } catch (const std::exception&) {
    return;  // as a file that cannot be read: it is not the content that was asked for
  }
}

}  // namespace podium
