#include "exec/digest_behind.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "base/sha256.hpp"

namespace podium {

void DigestBehind::update(std::string_view bytes) {
  while (!bytes.empty()) {
    if (gathered_ == 0) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return failed_ || filled_ - hashed_ < kBuffers; });
      if (failed_) return;
    }
    // Only this thread counts up filled_.
    std::unique_ptr<char[]>& buffer = buffers_[filled_ % kBuffers];
    // Not a string or vector, whose bytes would be cleared first.
    if (!buffer) buffer.reset(new char[kBuffer]);
    const std::size_t count = std::min(bytes.size(), kBuffer - gathered_);
    std::memcpy(buffer.get() + gathered_, bytes.data(), count);
    gathered_ += count;
    bytes.remove_prefix(count);
    if (gathered_ == kBuffer) publish();
  }
}

/// What is gathered is the thread's from now on.
void DigestBehind::publish() {
  {
    std::lock_guard lock(mutex_);
    sizes_[filled_ % kBuffers] = std::exchange(gathered_, 0);
    ++filled_;
  }
  changed_.notify_one();
}

std::string DigestBehind::hex() {
  if (gathered_ > 0) publish();
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
