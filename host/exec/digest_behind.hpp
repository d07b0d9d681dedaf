#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "config/config.hpp"

namespace podium {

/// The SHA-256 of a file that is still being written, by a thread of its own that reads what has
/// been written: hashing takes about as long as fetching and writing together.
class DigestBehind {
 public:
  /// `fd` stays open as long as the object lives.
  explicit DigestBehind(int fd) : fd_(fd), thread_([this] { run(); }) {}
  DigestBehind(const DigestBehind&) = delete;
  DigestBehind& operator=(const DigestBehind&) = delete;
  /// What has not been hashed yet is not.
  ~DigestBehind() { stop(false); }

  /// So many bytes of the file are there.
  void written(Bytes size);
  /// Waits for the digest of all that was written; empty when the file could not be read.
  std::string hex();

 private:
  void run() noexcept;
  void stop(bool finish) noexcept;

  const int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Bytes written_ = 0;
  bool finish_ = false, abandon_ = false;
  std::string hex_;
  std::thread thread_;
};

}  // namespace podium
