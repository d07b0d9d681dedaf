#include "exec/digest_behind.hpp"

#include <algorithm>
#include <cstring>
#include <exception>

#include "base/sha256.hpp"

namespace podium {

void DigestBehind::update(std::string_view bytes) {
  while (!bytes.empty()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failed_ || filled_ - hashed_ < kBuffers; });
    if (failed_) return;
    const std::size_t slot = filled_ % kBuffers;
    lock.unlock();

    // Not a string or vector, whose bytes would be cleared first.
    if (!buffers_[slot]) buffers_[slot].reset(new char[kBuffer]);
    sizes_[slot] = std::min(bytes.size(), kBuffer);
    std::memcpy(buffers_[slot].get(), bytes.data(), sizes_[slot]);
    bytes.remove_prefix(sizes_[slot]);

    lock.lock();
    ++filled_;
    lock.unlock();
    changed_.notify_one();
  }
}

std::string DigestBehind::hex() {
  stop(false);
  return hex_;
}

void DigestBehind::stop(bool abandon) noexcept {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    (abandon ? abandon_ : finish_) = true;
  }
  changed_.notify_one();
  thread_.join();
}

void DigestBehind::run() noexcept {
  try {
    Sha256 hash;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return finish_ || abandon_ || filled_ > hashed_; });
      if (abandon_) return;
      if (filled_ == hashed_) break;
      const std::size_t slot = hashed_ % kBuffers;
      lock.unlock();
      hash.update({buffers_[slot].get(), sizes_[slot]});
      lock.lock();
      ++hashed_;
      changed_.notify_one();
    }
    hex_ = hash.hex();
  } catch (const std::exception&) {
    // As another digest than was asked for.
    std::lock_guard lock(mutex_);
    failed_ = true;
    changed_.notify_one();
  }
}

}  // namespace podium
