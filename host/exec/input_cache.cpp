#include "exec/input_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/write_whole.hpp"

namespace podium {
namespace {

constexpr std::string_view kPart = "part.";

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path, int error) {
  throw Failure(Code::kUnavailable,
                what + " " + path.string() + ": " + std::system_category().message(error));
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Whether that is what an open file holds.
bool holds(int fd, const StoredContent& content) {
  ContentCheck check(content);
  std::string buffer(256 << 10, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return check.sound();
    check.update({buffer.data(), static_cast<std::size_t>(got)});
    at += got;
  }
}

}  // namespace

/// Finds what an earlier process has left, once. Under the lock.
void InputCache::load() {
  if (std::exchange(loaded_, true)) return;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error || ::chmod(folder_.c_str(), 0700) != 0) {
    loaded_ = false;
    fail("making the folder", folder_, error ? error.value() : errno);
  }
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> found;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    const std::string name = file.path().filename().string();
    std::error_code ignored;
    if (is_digest(name) && file.is_regular_file(ignored)) {
      found.emplace_back(file.last_write_time(ignored), name);
    } else {
      std::filesystem::remove_all(file.path(), ignored);  // parts of a process that has died
    }
  }
  std::sort(found.begin(), found.end());
  for (const auto& [time, name] : found) {
    std::error_code ignored;
    Entry& entry = entries_[name];
    entry.size = std::filesystem::file_size(folder_ / name, ignored);
    entry.place = by_use_.insert(by_use_.end(), name);
    kept_ += entry.size;
  }
}

void InputCache::drop(const std::string& sha256) {
  const auto found = entries_.find(sha256);
  if (found == entries_.end()) return;
  ::unlink((folder_ / sha256).c_str());
  kept_ -= found->second.size;
  by_use_.erase(found->second.place);
  entries_.erase(found);
}

bool InputCache::make_room(Bytes size, Bytes capacity) {
  if (size > capacity || coming_ > capacity - size) return false;
  while (kept_ + coming_ + size > capacity) drop(std::string(by_use_.front()));
  return true;
}

/// What is kept, after a look at what nobody has looked at yet. The lock is not held for that.
UniqueFd InputCache::open_kept(std::unique_lock<std::mutex>& lock, const StoredContent& content) {
  const std::string& sha256 = content.sha256;
  const auto found = entries_.find(sha256);
  if (found == entries_.end()) return {};
  UniqueFd fd(::open((folder_ / sha256).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  bool sound = fd && found->second.size == content.size;
  if (sound && !found->second.verified) {
    lock.unlock();
    sound = holds(fd.get(), content);
    lock.lock();
  }
  const auto now = entries_.find(sha256);
  if (!sound) {
    drop(sha256);
    return {};
  }
  if (now == entries_.end()) return fd;  // made room for another; what is open stays
  now->second.verified = true;
  by_use_.splice(by_use_.end(), by_use_, now->second.place);
  ::futimens(fd.get(), nullptr);  // the order of use, for the next process
  ++hits_;
  return fd;
}

UniqueFd InputCache::find(const StoredContent& content) {
  if (!is_digest(content.sha256)) return {};
  std::unique_lock lock(mutex_);
  load();
  return open_kept(lock, content);
}

InputCache::Opened InputCache::open(const StoredContent& content, Bytes capacity,
                                    const Fetch& fetch, const std::function<bool()>& cancelled) {
  const std::string& sha256 = content.sha256;
  const Bytes size = content.size;
  if (!is_digest(sha256) || capacity == 0) return {};
  std::unique_lock lock(mutex_);
  load();
  if (UniqueFd fd = open_kept(lock, content)) return {std::move(fd)};
  if (fetching_.contains(sha256)) return {{}, true};
  if (!make_room(size, capacity)) return {};
  fetching_[sha256];
  coming_ += size;
  lock.unlock();

  UniqueFd fd;
  std::exception_ptr error;
  try {
    fd = fetch_content(content, fetch, cancelled);
  } catch (...) {
    error = std::current_exception();
  }

  lock.lock();
  coming_ -= size;
  const std::vector<std::function<void()>> waiting = std::move(fetching_.extract(sha256).mapped());
  if (!error) {
    ++fetches_;
    Entry& entry = entries_[sha256];
    entry.size = size;
    entry.verified = true;
    entry.place = by_use_.insert(by_use_.end(), sha256);
    kept_ += size;
  }
  lock.unlock();
  // When it failed or was cancelled, the first of them to come fetches it.
  for (const std::function<void()>& then : waiting) then();
  if (error) std::rethrow_exception(error);
  return {std::move(fd)};
}

void InputCache::when_fetched(const std::string& sha256, std::function<void()> then) {
  {
    std::lock_guard lock(mutex_);
    const auto found = fetching_.find(sha256);
    if (found != fetching_.end()) {
      found->second.push_back(std::move(then));
      return;
    }
  }
  then();
}

UniqueFd InputCache::fetch_content(const StoredContent& content, const Fetch& fetch,
                                   const std::function<bool()>& cancelled) const {
  const std::filesystem::path part = folder_ / (std::string(kPart) + new_id());
  UniqueFd out(::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) fail("making", part, errno);
  try {
    ContentCheck check(content);
    fetch([&](std::string_view bytes) {
      if (cancelled()) throw Failure(Code::kCancelled, "the run was cancelled");
      check.update(bytes, [&] {
        if (const int error = write_whole(out.get(), bytes)) {
          fail("keeping an input in", part, error);
        }
      });
    });
    check.require();
    // As a program's file has to be, so that an overlay may copy it up; the folder keeps others
    // out.
    if (::fchmod(out.get(), 0666) != 0) fail("opening to all", part, errno);
    const std::filesystem::path whole = folder_ / content.sha256;
    UniqueFd in(::open(part.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!in) fail("opening", part, errno);
    if (::rename(part.c_str(), whole.c_str()) != 0) fail("keeping", whole, errno);
    return in;
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
}

InputCache::Counts InputCache::counts() const {
  std::lock_guard lock(mutex_);
  return {hits_, fetches_, kept_};
}

}  // namespace podium
