#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/sha256.hpp"
#include "exec/in_use.hpp"
#include "exec/lane.hpp"
#include "exec/service.hpp"

namespace podium {

/// The content of an upload on its way from the I/O thread to a storage's put on the pool: at most
/// kCapacity bytes and one piece in memory, hashed as they leave.
class UploadContent : public Source {
 public:
  static constexpr std::size_t kCapacity = 1 << 20;

  /// I/O thread.
  void push(std::string piece);
  /// I/O thread; no more pieces.
  void end();
  /// I/O thread; the reader's next read throws.
  void abort();
  /// Whether a writer has to wait. Any thread.
  bool full() const;

  /// Called on the reading thread each time room was made.
  std::function<void()> on_room;

  std::int64_t expected() const noexcept override;
  std::size_t read(char* buffer, std::size_t capacity) override;

  /// After the put: whether everything was read to its end.
  bool exhausted() const;
  bool hashes() const noexcept override { return true; }
  std::string sha256() override {
    if (digest_.empty()) digest_ = hash_.hex();
    return digest_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  std::size_t offset_ = 0;  ///< in the first piece
  std::size_t queued_ = 0;
  bool ended_ = false, aborted_ = false, exhausted_ = false;
  Sha256 hash_;  ///< the reading thread's, as is its digest
  std::string digest_;
};

/// The Upload that begin_upload makes.
///
/// A small upload is stored when it is whole, so that it holds a pool thread only for the put. One
/// that outgrows the memory it may have is stored while it arrives.
class StoredUpload : public Upload {
 public:
  /// What an upload needs of its host.
  struct Host {
    asio::io_context& io;
    InUse& in_use;
    StorageLanes lanes;
    /// Removes a blob in the background.
    std::function<void(std::shared_ptr<const Generation>, std::string)> remove_blob;
  };

  StoredUpload(Host host, std::shared_ptr<const Generation> generation, std::string given_name,
               std::string canonical_name);
  ~StoredUpload() override;

  Task<> write(std::string chunk) override;
  Task<> finish() override;

  const std::string& given_name() const noexcept { return given_name_; }
  /// After finish: the record, with no session yet.
  FileRecord record() const;
  /// The blob stays: a record names it, or may.
  void keep() noexcept { kept_ = true; }

 private:
  struct Job;
  void start(const std::shared_ptr<Lane>& lane);

  const Host host_;
  const std::string given_name_, name_;
  const Bytes limit_;
  Bytes size_ = 0;
  bool started_ = false, kept_ = false;
  std::shared_ptr<Job> job_;
};

}  // namespace podium
