#include "exec/upload.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/failure.hpp"
#include "base/ids.hpp"

namespace podium {

/// What the pool works on; outlives the upload while it does.
struct StoredUpload::Job {
  Job(std::shared_ptr<const Generation> owner, InUse& in_use, std::filesystem::path folder,
      Bytes ring)
      : generation(std::move(owner)), hold(in_use.hold(key)), spool(std::move(folder), ring) {}

  void store() {  // on the pool
    spool.store(generation->storage(), key);
    settle();
  }

  /// The part that stands in the spool at `offset`; on the pool.
  void put_part(std::uint32_t number, Bytes offset, Bytes length) {
    PartedPut* to = nullptr;
    {
      std::lock_guard lock(mutex);
      if (abandoned) return;
    }
    {
      std::lock_guard lock(parts_mutex);
      if (!parts) parts = generation->storage().begin_parts(key);
      to = parts.get();
    }
    to->put(number, spool.descriptor(), offset, length);
  }

  void finish_parts(Bytes size) {  // on the pool
    parts->finish(size);
    parts.reset();
    spool.complete();
    settle();
  }

  /// It is stored, perhaps in vain.
  void settle() {
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

  const std::shared_ptr<const Generation> generation;
  const std::string key = new_id();
  const InUse::Hold hold;  ///< until a record names the blob or it is gone
  Spool spool;             ///< of the step under way, as is the piece that it works on
  std::unique_ptr<char[]> piece;
  std::mutex parts_mutex;
  std::unique_ptr<PartedPut> parts;  ///< what nobody finished ends with the job, on the pool

  // Who removes a blob that nobody wants: the put's thread when it is abandoned before it is
  // stored, otherwise the one who abandons it.
  std::mutex mutex;
  bool stored = false, abandoned = false;
};

/// One piece of work of the pool. There is never more than one, and those of some parts beside it.
struct StoredUpload::Step {
  explicit Step(asio::io_context& io) : done(io) {}

  Event done;                // I/O thread
  std::exception_ptr error;  // set by the pool before `done`
};

StoredUpload::StoredUpload(Host host, std::shared_ptr<const Generation> generation,
                           std::string given_name, std::string canonical_name)
    : host_(std::move(host)),
      given_name_(std::move(given_name)),
      name_(std::move(canonical_name)),
      limit_(generation->config().http.max_upload),
      part_size_((generation->storage().part_size() + kPiece - 1) / kPiece * kPiece) {
  job_ =
      std::make_shared<Job>(std::move(generation), host_.in_use, host_.folder, kParts * part_size_);
}

StoredUpload::~StoredUpload() {
  if (kept_) return;
  bool stored = false;
  {
    std::lock_guard lock(job_->mutex);
    job_->abandoned = true;
    stored = job_->stored;
  }
  if (stored) host_.remove_blob(job_->generation, job_->key);
  // Taking parts back asks the store: not here.
  if (!stored && last_part_ > 0) host_.slow_lane->submit([job = std::move(job_)] {});
}

std::shared_ptr<StoredUpload::Step> StoredUpload::start(const std::shared_ptr<Lane>& lane,
                                                        std::function<void()> work) {
  auto begun = std::make_shared<Step>(host_.io);
  lane->submit([step = begun, &io = host_.io, work = std::move(work)] {
    try {
      work();
    } catch (...) {
      step->error = std::current_exception();
    }
    asio::post(io, [step] { step->done.set(); });
  });
  return begun;
}

/// Waits for the step under way. Throws what it threw, every time it is asked.
Task<> StoredUpload::last_step() {
  if (!step_) co_return;
  const auto step = step_;
  co_await step->done.wait();
  if (step->error) std::rethrow_exception(step->error);
}

/// Appends what was gathered.
std::function<void()> StoredUpload::append_step() {
  job_->piece.swap(piece_);
  spooled_ += gathered_;
  return [job = job_, size = std::exchange(gathered_, 0)] {
    job->spool.append({job->piece.get(), size});
  };
}

Task<> StoredUpload::write(std::string_view chunk) {
  size_ += chunk.size();
  if (size_ > limit_) throw Failure(Code::kTooLarge, "File size limit exceeded");
  while (!chunk.empty()) {
    // Not a string or vector, whose bytes would be cleared first.
    if (!piece_) piece_.reset(new char[kPiece]);
    const std::size_t count = std::min(chunk.size(), kPiece - gathered_);
    std::memcpy(piece_.get() + gathered_, chunk.data(), count);
    gathered_ += count;
    chunk.remove_prefix(count);
    if (gathered_ < kPiece) co_return;
    // The next piece is read while the pool works on this one.
    co_await last_step();
    co_await flow();
    step_ = start(host_.lane, append_step());
  }
}

/// Passes on what the spool has of whole parts, and waits until it has room for a piece. A part
/// goes when something follows it, so that what is no longer than one is put as a whole.
Task<> StoredUpload::flow() {
  if (part_size_ == 0 || gathered_ == 0) co_return;
  while (spooled_ - sent_ >= part_size_) send_part(part_size_);
  // One that failed is told at once, the others when their place is needed.
  while (!parts_.empty() && (parts_.front()->done.is_set() || parts_.size() >= kParts)) {
    co_await part_sent();
  }
}

void StoredUpload::send_part(Bytes length) {
  const Bytes offset = sent_ % (kParts * part_size_);
  sent_ += length;
  parts_.push_back(start(host_.slow_lane, [job = job_, number = ++last_part_, offset, length,
                                           for_client = host_.for_client] {
    try {
      job->put_part(number, offset, length);
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  }));
}

/// Waits for the oldest of the parts under way.
Task<> StoredUpload::part_sent() {
  const std::shared_ptr<Step> part = parts_.front();
  co_await part->done.wait();
  parts_.pop_front();
  if (part->error) std::rethrow_exception(part->error);
}

Task<> StoredUpload::finish_parts() {
  co_await flow();
  step_ = start(host_.lane, append_step());
  co_await last_step();
  piece_.reset();
  job_->piece.reset();
  if (spooled_ > sent_) send_part(spooled_ - sent_);
  while (!parts_.empty()) co_await part_sent();
  step_ = start(host_.slow_lane, [job = job_, size = size_, for_client = host_.for_client] {
    try {
      job->finish_parts(size);
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  });
  co_await last_step();
}

Task<> StoredUpload::finish() {
  co_await last_step();
  if (part_size_ > 0 && spooled_ + gathered_ > part_size_) {
    co_await finish_parts();
    co_return;
  }
  step_ = start(host_.lane, [job = job_, append = append_step(), for_client = host_.for_client] {
    append();
    job->piece.reset();
    try {
      job->store();
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  });
  piece_.reset();
  co_await last_step();
}

FileRecord StoredUpload::record() const {
  const std::string& sha256 = job_->spool.sha256();
  if (!step_ || !step_->done.is_set() || step_->error || sha256.empty()) {
    throw Failure(Code::kInternal, "an upload was to be committed before it was stored");
  }
  FileRecord record;
  record.id = new_id();
  record.name = name_;
  record.blob = job_->key;
  record.sha256 = sha256;
  record.size = size_;
  record.origin = "upload";
  record.created = epoch_ms_now();
  return record;
}

}  // namespace podium
