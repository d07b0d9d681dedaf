#include "exec/lane.hpp"

namespace podium {

void Lane::submit(std::function<void()> job) {
  if (free_ == 0) {
    waiting_.push_back(std::move(job));
    return;
  }
  --free_;
  start(std::move(job));
}

void Lane::start(std::function<void()> job) {
  asio::post(pool_, [self = shared_from_this(), job = std::move(job)]() mutable {
    job();
    job = nullptr;
    asio::post(self->io_, [self] {
      if (self->waiting_.empty()) {
        ++self->free_;
        return;
      }
      auto next = std::move(self->waiting_.front());
      self->waiting_.pop_front();
      self->start(std::move(next));
    });
  });
}

}  // namespace podium
