#include "obs/log_writer.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLastWait{2000};

// Whether `fd` takes something before `limit` is over; errors are for write() to tell.
bool waits_for_room(int fd, milliseconds limit) noexcept {
  pollfd room{fd, POLLOUT, 0};
  return ::poll(&room, 1, static_cast<int>(limit.count())) != 0;
}

}  // namespace

void write_within(int fd, std::string_view text, milliseconds limit) noexcept {
  const Clock::time_point end = Clock::now() + limit;
  while (!text.empty()) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !waits_for_room(fd, left)) return;
    // A pipe that has room at all takes this much without waiting.
    const ssize_t written = ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

struct LogWriter::Shared {
  int fd;
  LogRoom room;
  Notice notice;

  mutable std::mutex mutex;
  std::condition_variable filled, written;
  std::deque<std::string> lines;
  std::size_t bytes = 0;              // of `lines`
  std::uint64_t taken = 0, done = 0;  // lines: given to the thread's queue, no longer its business
  std::uint64_t dropped = 0, told = 0;
  bool stopping = false, ended = false;
  std::atomic<bool> abandoned{false};

  bool has_room(std::size_t more, bool urgent) const {
    const std::size_t part = urgent ? 10 : 9;
    return lines.size() < room.lines / 10 * part && bytes + more <= room.bytes / 10 * part;
  }
  bool may_tell() const {
    return dropped > told && lines.size() <= room.lines / 2 && bytes <= room.bytes / 2;
  }
  bool put(std::string_view line) const noexcept;
};

// Whether the whole line is written.
bool LogWriter::Shared::put(std::string_view line) const noexcept {
  constexpr milliseconds kLook{100};  // for `abandoned`
  while (!line.empty() && !abandoned) {
    const ssize_t n = ::write(fd, line.data(), line.size());
    if (n < 0 && errno == EAGAIN) {
      waits_for_room(fd, kLook);
    } else if (n < 0 && errno != EINTR) {
      return false;
    } else if (n > 0) {
      line.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  return line.empty();
}

LogWriter::LogWriter(int fd, LogRoom room, Notice notice) : shared_(std::make_shared<Shared>()) {
  shared_->fd = fd;
  shared_->room = {std::max<std::size_t>(room.lines, 10), std::max<std::size_t>(room.bytes, 10)};
  shared_->notice = std::move(notice);
  thread_ = std::thread([shared = shared_] { run(shared); });
}

LogWriter::~LogWriter() {
  {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->filled.notify_one();
    shared_->written.wait_for(lock, kLastWait, [this] { return shared_->ended; });
    shared_->abandoned = !shared_->ended;
  }
  if (shared_->abandoned) {
    thread_.detach();  // it is in a write that nobody takes; the end of the process ends it
  } else {
    thread_.join();
  }
}

void LogWriter::add(std::string line, bool urgent) noexcept {
  {
    std::lock_guard lock(shared_->mutex);
    const std::size_t size = line.size();
    try {
      if (shared_->has_room(size, urgent)) {
        shared_->lines.push_back(std::move(line));
        shared_->bytes += size;
        ++shared_->taken;
      } else {
        ++shared_->dropped;
      }
    } catch (const std::bad_alloc&) {
      ++shared_->dropped;
    }
  }
  shared_->filled.notify_one();
}

bool LogWriter::flush(milliseconds limit) noexcept {
  std::unique_lock lock(shared_->mutex);
  const std::uint64_t goal = shared_->taken;
  return shared_->written.wait_for(lock, limit, [&] { return shared_->done >= goal; });
}

std::uint64_t LogWriter::dropped() const noexcept {
  std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

void LogWriter::run(const std::shared_ptr<Shared>& shared) noexcept {
  Shared& it = *shared;
  std::unique_lock lock(it.mutex);
  const auto write = [&](const std::string& line) {
    lock.unlock();
    const bool whole = it.put(line);
    lock.lock();
    return whole;
  };
  while (!it.abandoned) {
    it.filled.wait(lock, [&] { return it.stopping || !it.lines.empty() || it.may_tell(); });
    if (it.may_tell()) {
      const std::uint64_t lost = it.dropped - it.told;
      it.told = it.dropped;
      try {
        write(it.notice(lost));
      } catch (const std::bad_alloc&) {
        it.told -= lost;
      }
    }
    if (it.lines.empty()) {
      if (it.stopping) break;
      continue;
    }
    const std::string line = std::move(it.lines.front());
    it.lines.pop_front();
    it.bytes -= line.size();
    if (!write(line)) ++it.dropped;
    ++it.done;
    it.written.notify_all();
  }
  it.ended = true;
  it.written.notify_all();
}

}  // namespace podium
