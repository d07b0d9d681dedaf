#pragma once
#include <chrono>
#include <list>
#include <memory>

#include "exec/byte_budget.hpp"

namespace podium {

/// The memory that all uploads and downloads under way share. A transfer that gets none of it goes
/// on with a small buffer of its own: nobody waits for it, and nobody fails for want of it. I/O
/// thread, but for the budget.
class Transfers {
 public:
  using Clock = std::chrono::steady_clock;

  /// Of a transfer without a share, beside as much on its way to the disk.
  static constexpr std::size_t kSmallPiece = 16 << 10;
  /// Who needs longer for a piece gets a small one for the next.
  static constexpr std::chrono::milliseconds kQuick{100};
  /// Who has sent nothing for so long gives up what he has gathered when others need memory.
  static constexpr std::chrono::seconds kStalled{1};

  const std::shared_ptr<ByteBudget>& memory() const noexcept { return memory_; }

  /// One who gathers what arrives in memory of the budget.
  class Holder {
   public:
    explicit Holder(std::shared_ptr<Transfers> transfers) : transfers_(std::move(transfers)) {}
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    virtual ~Holder() { let_go(); }

    /// Something has arrived, and is held.
    void touch() {
      if (!holds_) {
        place_ = transfers_->holders_.insert(transfers_->holders_.end(), this);
        holds_ = true;
      }
      transfers_->holders_.splice(transfers_->holders_.end(), transfers_->holders_, place_);
      last_ = Clock::now();
    }
    /// It holds none any more.
    void let_go() noexcept {
      if (holds_) transfers_->holders_.erase(place_);
      holds_ = false;
    }
    Transfers& transfers() const noexcept { return *transfers_; }

   protected:
    /// Passes on what was gathered and lets go, if it can at once. Must not throw.
    virtual void give_back() = 0;

   private:
    friend class Transfers;
    const std::shared_ptr<Transfers> transfers_;
    std::list<Holder*>::iterator place_;
    Clock::time_point last_;
    bool holds_ = false;
  };

  /// Has those give back who hold memory and have stalled.
  void reclaim(Clock::time_point now = Clock::now()) {
    for (auto next = holders_.begin(); next != holders_.end();) {
      Holder& holder = **next++;
      if (now - holder.last_ < kStalled) return;  // they are in order of their last bytes
      holder.give_back();
    }
  }

 private:
  const std::shared_ptr<ByteBudget> memory_ = std::make_shared<ByteBudget>();
  std::list<Holder*> holders_;  ///< who heard nothing for the longest time first
};

}  // namespace podium
