#include "exec/digest_beside.hpp"

#include "base/failure.hpp"

namespace podium {

DigestBeside::~DigestBeside() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    end_ = true;
  }
  given_.notify_one();
  thread_.join();
}

void DigestBeside::update(std::string_view bytes, const std::function<void()>& meanwhile) {
  if (bytes.size() < kWorthAThread) {
    meanwhile();
    hash_.update(bytes);
    return;
  }
  give(bytes);
  try {
    meanwhile();
  } catch (...) {
    wait();  // the bytes are the caller's
    throw;
  }
  wait();
  if (failed_) throw Failure(Code::kInternal, "SHA-256: a piece could not be hashed");
}

void DigestBeside::give(std::string_view bytes) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  {
    std::lock_guard lock(mutex_);
    piece_ = bytes;
  }
  given_.notify_one();
}

void DigestBeside::wait() {
  std::unique_lock lock(mutex_);
  taken_.wait(lock, [this] { return piece_.empty(); });
}

void DigestBeside::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    given_.wait(lock, [this] { return end_ || !piece_.empty(); });
    if (end_) return;
    const std::string_view piece = piece_;
    lock.unlock();
    bool sound = true;
    try {
      hash_.update(piece);
    } catch (const std::exception&) {
      sound = false;
    }
    lock.lock();
    failed_ = failed_ || !sound;
    piece_ = {};
    taken_.notify_one();
  }
}

}  // namespace podium
