#pragma once
#include <array>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace podium {

/// The SHA-256 of content that comes piece by piece, by a thread of its own: hashing takes about as
/// long as fetching and writing together. Pieces are copied, 2 MiB of them at most, so that the one
/// who fetches seldom waits; to read back what was written to a file costs more than to hash it.
/// The thread is woken for a whole buffer. One thread at a time calls.
class DigestBehind {
 public:
  DigestBehind() : thread_([this] { run(); }) {}
  DigestBehind(const DigestBehind&) = delete;
  DigestBehind& operator=(const DigestBehind&) = delete;
  /// What has not been hashed yet is not.
  ~DigestBehind() { stop(true); }

  /// The next bytes. Waits while the thread is behind.
  void update(std::string_view bytes);
  /// Waits for the digest of all of them; once. Empty when it could not be computed.
  std::string hex();

 private:
  static constexpr std::size_t kBuffer = 256 << 10, kBuffers = 8;

  void publish();
  void run() noexcept;
  void stop(bool abandon) noexcept;

  std::array<std::unique_ptr<char[]>, kBuffers> buffers_;
  std::array<std::size_t, kBuffers> sizes_{};
  std::size_t gathered_ = 0;  ///< bytes in the buffer that is filled next; of who calls
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t filled_ = 0, hashed_ = 0;  ///< buffers, since the beginning
  bool finish_ = false, abandon_ = false, failed_ = false;
  std::string hex_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace podium
