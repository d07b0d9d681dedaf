#include "outage.hpp"

namespace podium::s3 {

namespace {
constexpr std::chrono::seconds kLookInterval(2);
}

bool Outage::enter(Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (!down_) return false;
  if (now >= next_look_) {
    next_look_ = now + kLookInterval;
    return true;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
  throw sdk::Error(PODIUM_UNAVAILABLE,
                   "the store has not answered for " + std::to_string(seconds) + " s: " + why_);
}

void Outage::began(const std::string& why, Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (!down_) since_ = now;
  down_ = true;
  next_look_ = now + kLookInterval;
  why_ = why;
}

void Outage::ended() {
  std::lock_guard lock(mutex_);
  down_ = false;
}

}  // namespace podium::s3
