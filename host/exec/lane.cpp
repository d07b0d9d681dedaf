#include "exec/lane.hpp"

namespace podium {

void Lane::submit(std::function<void()> job) {
  if (free_ == 0) {
    waiting_.push_back(std::move(job));
    crowded_ = true;
    return;
  }
  --free_;
  start(std::move(job));
}

void Lane::start(std::function<void()> job) {
  auto run = [self = shared_from_this(), job = std::move(job)]() mutable {
    job();
    job = nullptr;
    asio::post(self->io_, [self] { self->ended(); });
  };
  if (within_) {
    within_->submit(std::move(run));
  } else {
    asio::post(pool_, std::move(run));
  }
}

void Lane::ended() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  crowded_ = !waiting_.empty();
  start(std::move(next));
}

}  // namespace podium
