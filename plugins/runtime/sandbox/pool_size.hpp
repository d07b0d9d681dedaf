#pragma once
#include <algorithm>
#include <chrono>

namespace podium::sandbox {

/// How many sandboxes of a pool should wait: follows demand between two bounds.
///
/// The rule: it starts at `min`. Each run that found none waiting doubles the target (up to `max`).
/// When for half a minute at least half of the target was waiting at every moment, the target goes
/// down by one, never below `min`. Plain data; guarded by the pool.
class PoolSize {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kCalm{30};

  PoolSize(unsigned min, unsigned max, Clock::time_point now)
      : min_(min), max_(std::max(min, max)), target_(min), calm_since_(now) {}

  unsigned target() const noexcept { return target_; }

  /// A run took one, or found none (`hit` false); `left` wait now.
  void taken(bool hit, unsigned left, Clock::time_point now) noexcept {
    if (!hit) target_ = std::min(max_, std::max(1u, target_ * 2));
    if (!hit || left * 2 < target_) calm_since_ = now;
  }

  /// Called about once a second.
  void tick(Clock::time_point now) noexcept {
    if (now - calm_since_ < kCalm) return;
    calm_since_ = now;
    if (target_ > min_) --target_;
  }

 private:
  unsigned min_, max_, target_;
  Clock::time_point calm_since_;
};

}  // namespace podium::sandbox
