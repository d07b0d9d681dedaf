#pragma once
#include <memory>
#include <mutex>

namespace podium {

/// The value readers see now, replaced as a whole.
///
/// get() is cheap and may be called from any thread; what it returns stays alive for as long as
/// the caller holds it, however often the value is replaced meanwhile. A mutex and not
/// atomic<shared_ptr>, which draws false TSAN reports in GCC 12.
template <class T>
class Snapshot {
 public:
  std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

  /// Returns the value replaced, so that its destructor runs outside the lock and where the
  /// caller chooses.
  [[nodiscard]] std::shared_ptr<const T> exchange(std::shared_ptr<const T> next) {
    std::lock_guard lock(mutex_);
    value_.swap(next);
    return next;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace podium
