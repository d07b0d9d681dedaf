#include "exec/upload.hpp"

#include <utility>

#include "base/failure.hpp"
#include "base/ids.hpp"

namespace podium {

/// What the pool works on; outlives the upload while it does.
struct StoredUpload::Job {
  Job(std::shared_ptr<const Generation> owner, InUse& in_use, std::filesystem::path folder)
      : generation(std::move(owner)), hold(in_use.hold(key)), spool(std::move(folder)) {}

  void store() {  // on the pool
    spool.store(generation->storage(), key);
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
  Spool spool;             ///< of the step under way

  // Who removes a blob that nobody wants: the put's thread when it is abandoned before it is
  // stored, otherwise the one who abandons it.
  std::mutex mutex;
  bool stored = false, abandoned = false;
};

/// One piece of work of the pool; there is never more than one at a time.
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
      job_(std::make_shared<Job>(std::move(generation), host_.in_use, host_.folder)) {}

StoredUpload::~StoredUpload() {
  if (kept_) return;
  bool stored = false;
  {
    std::lock_guard lock(job_->mutex);
    job_->abandoned = true;
    stored = job_->stored;
  }
  if (stored) host_.remove_blob(job_->generation, job_->key);
}

void StoredUpload::start(std::function<void()> work) {
  step_ = std::make_shared<Step>(host_.io);
  host_.lane->submit([step = step_, &io = host_.io, work = std::move(work)] {
    try {
      work();
    } catch (...) {
      step->error = std::current_exception();
    }
    asio::post(io, [step] { step->done.set(); });
  });
}

/// Waits for the step under way. Throws what it threw, every time it is asked.
Task<> StoredUpload::last_step() {
  if (!step_) co_return;
  const auto step = step_;
  co_await step->done.wait();
  if (step->error) std::rethrow_exception(step->error);
}

Task<> StoredUpload::write(std::string chunk) {
  size_ += chunk.size();
  if (size_ > limit_) throw Failure(Code::kTooLarge, "File size limit exceeded");
  gathered_ += chunk;
  if (gathered_.size() < kPiece) co_return;
  // The next piece is read while the pool works on this one.
  co_await last_step();
  start([job = job_, piece = std::exchange(gathered_, {})] { job->spool.append(piece); });
}

Task<> StoredUpload::finish() {
  co_await last_step();
  start([job = job_, piece = std::exchange(gathered_, {}), for_client = host_.for_client] {
    job->spool.append(piece);
    try {
      job->store();
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  });
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
