#pragma once
#include <memory>
#include <mutex>
#include <set>

#include "exec/async.hpp"
#include "plugin/generation.hpp"

namespace podium {

/// What plugins wait for on the I/O thread. Outlives every watch it gave; any thread but where
/// something else is said.
class IoWatches final : public DescriptorWatcher {
 public:
  explicit IoWatches(asio::io_context& io) : io_(io) {}
  ~IoWatches() override { end(); }

  std::unique_ptr<Watch> watch(UniqueFd descriptor, std::function<void()> ready,
                               std::function<void()> ended) override;

  /// The I/O thread has ended, and the io_context is still there: calls `ended` of all that is
  /// left.
  void end();

 private:
  struct Entry;
  class Handle;
  static void wait(const std::shared_ptr<Entry>& entry);
  void forget(const std::shared_ptr<Entry>& entry);

  asio::io_context& io_;
  std::mutex mutex_;
  bool ended_ = false;
  std::set<std::shared_ptr<Entry>> entries_;
};

}  // namespace podium
