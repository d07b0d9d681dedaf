#include "exec/upload.hpp"

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "base/ids.hpp"

namespace podium {

void UploadContent::push(std::string piece) {
  std::lock_guard lock(mutex_);
  queued_ += piece.size();
  pieces_.push_back(std::move(piece));
  changed_.notify_one();
}

void UploadContent::end() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_one();
}

void UploadContent::abort() {
  std::lock_guard lock(mutex_);
  aborted_ = true;
  pieces_.clear();
  changed_.notify_one();
}

bool UploadContent::full() const {
  std::lock_guard lock(mutex_);
  return queued_ >= kCapacity;
}

bool UploadContent::exhausted() const {
  std::lock_guard lock(mutex_);
  return exhausted_;
}

std::int64_t UploadContent::expected() const noexcept {
  std::lock_guard lock(mutex_);
  return ended_ ? static_cast<std::int64_t>(queued_) : -1;  // ended before the put: all is queued
}

std::size_t UploadContent::read(char* buffer, std::size_t capacity) {
  std::string piece;
  std::size_t from = 0, size = 0;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return aborted_ || ended_ || !pieces_.empty(); });
    if (aborted_) throw Failure(Code::kCancelled, "the upload was given up");
    if (pieces_.empty()) {
      exhausted_ = true;
      return 0;
    }
    from = offset_;
    size = std::min(capacity, pieces_.front().size() - offset_);
    if (offset_ + size < pieces_.front().size()) {
      std::memcpy(buffer, pieces_.front().data() + from, size);
      offset_ += size;
    } else {
      piece = std::move(pieces_.front());  // copied and freed outside the lock
      pieces_.pop_front();
      offset_ = 0;
    }
    queued_ -= size;
  }
  if (!piece.empty()) std::memcpy(buffer, piece.data() + from, size);
  hash_.update({buffer, size});
  if (on_room) on_room();
  return size;
}

struct StoredUpload::Job {
  Job(asio::io_context& io_context, std::shared_ptr<const Generation> owner, InUse& in_use)
      : io(io_context), generation(std::move(owner)), hold(in_use.hold(key)) {}

  void store() noexcept {  // on the pool
    try {
      generation->storage().put(key, content);
      if (!content.exhausted()) {
        throw Failure(Code::kInternal, "the storage did not take the whole upload");
      }
      sha256 = content.sha256();
    } catch (...) {
      error = std::current_exception();
      return;
    }
    {
      std::lock_guard lock(mutex);
      stored = true;
      if (!abandoned) return;
    }
    try {
      generation->storage().remove(key);
    } catch (const std::exception&) {
      return;  // no record names it: the sweep will find it
    }
  }

  /// I/O thread: wakes whoever waits, now.
  void wake() {
    if (waiter) waiter->set();
  }

  asio::io_context& io;
  const std::shared_ptr<const Generation> generation;
  const std::string key = new_id();
  const InUse::Hold hold;  ///< until a record names the blob or it is gone
  UploadContent content;

  // I/O thread.
  std::shared_ptr<Event> waiter;
  bool finished = false;

  // Set by the pool before `finished`.
  std::exception_ptr error;
  std::string sha256;

  // Who removes a blob that nobody wants: the put's thread when it is abandoned before it is
  // stored, otherwise the one who abandons it.
  std::mutex mutex;
  bool stored = false, abandoned = false;
};

StoredUpload::StoredUpload(Host host, std::shared_ptr<const Generation> generation,
                           std::string given_name, std::string canonical_name)
    : host_(std::move(host)),
      given_name_(std::move(given_name)),
      name_(std::move(canonical_name)),
      limit_(generation->config().http.max_upload),
      job_(std::make_shared<Job>(host_.io, std::move(generation), host_.in_use)) {
  job_->content.on_room = [job = std::weak_ptr<Job>(job_), &io = host_.io] {
    asio::post(io, [job] {
      if (const auto alive = job.lock()) alive->wake();
    });
  };
}

StoredUpload::~StoredUpload() {
  if (kept_) return;
  job_->content.abort();
  bool stored = false;
  {
    std::lock_guard lock(job_->mutex);
    job_->abandoned = true;
    stored = job_->stored;
  }
  if (stored) host_.remove_blob(job_->generation, job_->key);
}

void StoredUpload::start(const std::shared_ptr<Lane>& lane) {
  started_ = true;
  lane->submit([job = job_] {
    job->store();
    asio::post(job->io, [job] {
      job->finished = true;
      job->wake();
    });
  });
}

Task<> StoredUpload::write(std::string chunk) {
  if (chunk.empty()) co_return;
  size_ += chunk.size();
  if (size_ > limit_) throw Failure(Code::kTooLarge, "File size limit exceeded");
  if (job_->finished && job_->error) std::rethrow_exception(job_->error);
  job_->content.push(std::move(chunk));
  if (!job_->content.full()) co_return;
  if (!started_) start(host_.lanes.streams);
  const auto job = job_;
  while (job->content.full() && !job->finished) {
    job->waiter = std::make_shared<Event>(job->io);
    const auto waiter = job->waiter;
    co_await waiter->wait();
  }
  if (job->finished && job->error) std::rethrow_exception(job->error);
}

Task<> StoredUpload::finish() {
  job_->content.end();
  if (!started_) start(host_.lanes.work);
  const auto job = job_;
  while (!job->finished) {
    job->waiter = std::make_shared<Event>(job->io);
    const auto waiter = job->waiter;
    co_await waiter->wait();
  }
  if (job->error) std::rethrow_exception(job->error);
}

FileRecord StoredUpload::record() const {
  if (!job_->finished || job_->error) {
    throw Failure(Code::kInternal, "an upload was to be committed before it was stored");
  }
  FileRecord record;
  record.id = new_id();
  record.name = name_;
  record.blob = job_->key;
  record.sha256 = job_->sha256;
  record.size = size_;
  record.origin = "upload";
  record.created = epoch_ms_now();
  return record;
}

}  // namespace podium
