#pragma once
#include <podium/sdk/storage.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "client.hpp"
#include "digest/digest.hpp"
#include "parted_object.hpp"

namespace podium::s3 {

/// Memory for one part, given back to the system at its end: parts are large, and a heap keeps
/// what it has once had.
class PartBuffer {
 public:
  /// `hashed`: sha256() will be asked for.
  PartBuffer(std::size_t capacity, bool hashed);
  PartBuffer(PartBuffer&& other) noexcept;
  PartBuffer& operator=(PartBuffer&&) = delete;
  ~PartBuffer();

  /// Fills it up from the source; false: the source has ended.
  bool fill(const sdk::Source& source);
  void clear();
  std::string_view content() const noexcept { return {data_, size_}; }
  /// SHA-256 of the content, empty when it is not hashed; to be cleared before the next fill.
  std::string sha256();

 private:
  char* data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  bool hashed_;
  std::optional<digest::Digest> digest_;
};

/// One multipart upload of a source. A thread of its own sends a part while the next one is filled.
/// Not completed, it is taken back by the destructor.
class MultipartUpload {
 public:
  MultipartUpload(Client& client, sdk::Host host, std::string object, std::string doing);
  MultipartUpload(const MultipartUpload&) = delete;
  MultipartUpload& operator=(const MultipartUpload&) = delete;
  ~MultipartUpload();

  /// Waits until the part before has been sent, then begins to send this one, which must stay as
  /// it is until the next call. Throws what became of the part before.
  void send(PartBuffer& part);
  /// Waits until the last part has been sent and makes the object of them, `size` bytes in all.
  void complete(std::uint64_t size);

 private:
  void run() noexcept;
  void wait_until_sent(std::unique_lock<std::mutex>& lock);
  void stop() noexcept;

  PartedObject object_;
  std::mutex mutex_;
  std::condition_variable changed_;
  PartBuffer* part_ = nullptr;  // on its way
  bool stopping_ = false;
  std::exception_ptr error_;
  std::thread sender_;
};

/// Stores what the source gives as an object: in one request up to two parts, otherwise as a
/// multipart upload. No more than two parts are in memory.
void upload(Client& client, const sdk::Host& host, const std::string& object,
            const std::string& doing, const sdk::Source& source);

}  // namespace podium::s3
