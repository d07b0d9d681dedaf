#include "daemon/io_watches.hpp"

#include <optional>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

namespace podium {

struct IoWatches::Entry {
  using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

  Entry(asio::io_context& io, UniqueFd fd, std::function<void()> when_ready,
        std::function<void()> when_ended)
      : ready(std::move(when_ready)), ended(std::move(when_ended)) {
    descriptor.emplace(io.get_executor(), fd.get());
    fd.release();
  }

  const std::function<void()> ready, ended;
  std::mutex mutex;  ///< held while one of the two runs
  bool over = false;
  std::optional<Descriptor> descriptor;  ///< the I/O thread's, or of whoever knows that it is gone
};

class IoWatches::Handle final : public Watch {
 public:
  Handle(IoWatches& watches, std::shared_ptr<Entry> entry)
      : watches_(watches), entry_(std::move(entry)) {}
  ~Handle() override { watches_.forget(entry_); }

 private:
  IoWatches& watches_;
  const std::shared_ptr<Entry> entry_;
};

std::unique_ptr<DescriptorWatcher::Watch> IoWatches::watch(UniqueFd descriptor,
                                                           std::function<void()> ready,
                                                           std::function<void()> ended) {
  const std::lock_guard lock(mutex_);
  if (ended_) throw Failure(Code::kUnavailable, "the daemon's I/O thread has ended");
  auto entry =
      std::make_shared<Entry>(io_, std::move(descriptor), std::move(ready), std::move(ended));
  auto handle = std::make_unique<Handle>(*this, entry);
  entries_.insert(entry);
  asio::post(io_, [entry] { wait(entry); });
  return handle;
}

void IoWatches::wait(const std::shared_ptr<Entry>& entry) {
  if (!entry->descriptor) return;
  entry->descriptor->async_wait(Entry::Descriptor::wait_read,
                                [entry](const boost::system::error_code& error) {
                                  if (error == asio::error::operation_aborted) return;
                                  {
                                    const std::lock_guard lock(entry->mutex);
                                    if (entry->over) return;
                                    entry->over = bool{error};
                                    if (error) return entry->ended();  // it cannot be waited for
                                    entry->ready();
                                  }
                                  wait(entry);
                                });
}

void IoWatches::forget(const std::shared_ptr<Entry>& entry) {
  {
    const std::lock_guard lock(entry->mutex);
    entry->over = true;
  }
  const std::lock_guard lock(mutex_);
  entries_.erase(entry);
  if (!ended_) asio::post(io_, [entry] { entry->descriptor.reset(); });
}

void IoWatches::end() {
  std::set<std::shared_ptr<Entry>> left;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    left.swap(entries_);
  }
  for (const auto& entry : left) {
    entry->descriptor.reset();
    const std::lock_guard lock(entry->mutex);
    if (!std::exchange(entry->over, true)) entry->ended();
  }
}

}  // namespace podium
