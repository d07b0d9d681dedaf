#include "exec/upload.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/failure.hpp"
#include "base/ids.hpp"

namespace podium {

/// What the pool works on; outlives the upload while it does.
struct StoredUpload::Job {
  Job(std::shared_ptr<const Generation> owner, InUse& in_use,
      std::shared_ptr<PieceQueue> its_pieces)
      : generation(std::move(owner)), hold(in_use.hold(key)), pieces(std::move(its_pieces)) {}

  Spool& spool() const noexcept { return pieces->spool(); }

  void store() {  // on the pool
    spool().store(generation->storage(), key);
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
    to->put(number, spool().descriptor(), offset, length);
  }

  void finish_parts(Bytes size) {  // on the pool
    parts->finish(size);
    parts.reset();
    spool().complete();
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
  const std::shared_ptr<PieceQueue> pieces;
  std::mutex parts_mutex;
  std::unique_ptr<PartedPut> parts;  ///< what nobody finished ends with the job, on the pool

  // Who removes a blob that nobody wants: the put's thread when it is abandoned before it is
  // stored, otherwise the one who abandons it.
  std::mutex mutex;
  bool stored = false, abandoned = false;
};

/// One piece of work of the pool, when all pieces are spooled, or of a part.
struct StoredUpload::Step {
  explicit Step(asio::io_context& io) : done(io) {}

  Event done;                // I/O thread
  std::exception_ptr error;  // set by the pool before `done`
};

StoredUpload::StoredUpload(Host host, std::shared_ptr<const Generation> generation,
                           std::string given_name, std::string canonical_name)
    : Holder(host.transfers),
      host_(std::move(host)),
      given_name_(std::move(given_name)),
      name_(std::move(canonical_name)),
      limit_(generation->config().http.max_upload),
      most_memory_(generation->config().http.transfers),
      part_size_(generation->storage().part_size()) {
  // What has files of this machine is never fetched.
  const bool tagged = !generation->storage().has_local_files();
  pieces_ = std::make_shared<PieceQueue>(host_.lane, host_.folder, kParts * part_size_,
                                         transfers().memory(), most_memory_, tagged);
  job_ = std::make_shared<Job>(std::move(generation), host_.in_use, pieces_);
}

StoredUpload::~StoredUpload() {
  if (kept_) return;
  bool stored = false;
  {
    std::lock_guard lock(job_->mutex);
    job_->abandoned = true;
    stored = job_->stored;
  }
  pieces_->abandon();
  if (stored) host_.remove_blob(job_->generation, job_->key);
  // Taking parts back asks the store, and the end of a large file takes its time: not here.
  if (stored) return;
  if (last_part_ > 0) {
    host_.slow_lane->submit([job = std::move(job_)] {});
  } else if (spooled_ > 0) {
    job_.reset();
    host_.lane->submit([pieces = std::move(pieces_)] {});
  }
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

Task<> StoredUpload::write(std::string_view chunk) {
  size_ += chunk.size();
  if (size_ > limit_) throw Failure(Code::kTooLarge, "File size limit exceeded");
  while (!chunk.empty()) {
    if (!piece_.bytes) piece_ = new_piece();
    const std::size_t count = std::min(chunk.size(), piece_.capacity - piece_.size);
    std::memcpy(piece_.bytes.get() + piece_.size, chunk.data(), count);
    piece_.size += count;
    chunk.remove_prefix(count);
    if (piece_.share.bytes() > 0) touch();
    if (piece_.size < piece_.capacity) co_return;
    // The next piece is read while the pool works on this one.
    co_await pass_on();
  }
}

/// A large one for who is quick, as long as there is memory for it.
PieceQueue::Piece StoredUpload::new_piece() {
  piece_began_ = Transfers::Clock::now();
  if (quick_) {
    if (PieceQueue::Piece done = pieces_->take_done(); done.bytes) return done;
    ByteShare share(transfers().memory());
    // Not a string or vector, whose bytes would be cleared first.
    if (share.resize(kPiece, most_memory_)) {
      return {std::unique_ptr<char[]>(new char[kPiece]), kPiece, 0, std::move(share)};
    }
    transfers().reclaim();
  }
  constexpr std::size_t kSmall = Transfers::kSmallPiece;
  return {std::unique_ptr<char[]>(new char[kSmall]), kSmall, 0, {}};
}

/// Gives the pool what was gathered, as soon as it has done enough of what it was given before.
Task<> StoredUpload::pass_on() {
  let_go();
  quick_ = Transfers::Clock::now() - piece_began_ < Transfers::kQuick;
  if (piece_.share.bytes() == 0) {
    co_await pieces_->until(0);
  } else if (!pieces_->has_at_most(kMostOnWay - kPiece)) {
    // Until half of it is done, so as not to be woken for each piece.
    co_await pieces_->until(kMostOnWay / 2);
  }
  co_await flow();
  push();
}

void StoredUpload::push() {
  spooled_ += piece_.size;
  pieces_->push(std::exchange(piece_, {}));
}

/// The client has stalled, and others need memory.
void StoredUpload::give_back() {
  const Bytes in_use_from = sent_ - parts_.size() * part_size_;
  const bool has_room =
      part_size_ == 0 || spooled_ + piece_.size <= in_use_from + kParts * part_size_;
  if (!has_room) return;
  let_go();
  quick_ = false;
  push();
}

/// Passes on what the spool has of whole parts, now and when it has the next, whether the client
/// sends meanwhile or not. A part goes when something follows it, so that what is no longer than
/// one is put as a whole.
void StoredUpload::send_whole_parts() {
  const auto go_on = [this, alive = std::weak_ptr<Alive>(alive_)] {
    if (!alive.expired()) send_whole_parts();
  };
  // Asked first: what is written just now calls nobody.
  while (!pieces_->when_written(sent_ + part_size_, go_on) && size_ > sent_ + part_size_) {
    send_part(part_size_);
  }
}

/// Passes on what there is, and waits until the spool has room for a piece.
Task<> StoredUpload::flow() {
  if (part_size_ == 0) co_return;
  for (;;) {
    send_whole_parts();
    // One that failed is told at once.
    while (!parts_.empty() && parts_.front()->done.is_set()) co_await part_sent();
    const Bytes in_use_from = sent_ - parts_.size() * part_size_;
    if (spooled_ + piece_.size <= in_use_from + kParts * part_size_) co_return;
    if (!parts_.empty()) {
      co_await part_sent();
    } else {
      co_await pieces_->until(0);
    }
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
  if (piece_.size > 0) co_await pass_on();
  co_await pieces_->until(0);
  send_whole_parts();
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
  let_go();
  co_await pieces_->until(0);
  if (part_size_ > 0 && size_ > part_size_) {
    co_await finish_parts();
    co_return;
  }
  // The last piece and the storing by one turn of the pool.
  auto last = std::make_shared<PieceQueue::Piece>(std::exchange(piece_, {}));
  spooled_ += last->size;
  step_ = start(host_.lane, [job = job_, last, for_client = host_.for_client] {
    const std::string_view bytes(last->bytes.get(), last->size);
    job->spool().hash(bytes);
    job->spool().write(bytes);
    *last = {};
    try {
      job->store();
    } catch (const Failure& failure) {
      throw for_client(failure);
    }
  });
  co_await last_step();
}

FileRecord StoredUpload::record() const {
  const std::string& sha256 = job_->spool().sha256();
  if (!step_ || !step_->done.is_set() || step_->error || sha256.empty()) {
    throw Failure(Code::kInternal, "an upload was to be committed before it was stored");
  }
  FileRecord record;
  record.id = new_id();
  record.name = name_;
  record.blob = job_->key;
  record.sha256 = sha256;
  record.tag = job_->spool().tag();
  record.size = size_;
  record.origin = "upload";
  record.created = epoch_ms_now();
  return record;
}

}  // namespace podium
