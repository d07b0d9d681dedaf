#include "exec/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/failure.hpp"

namespace podium {
namespace {

// Costs less than a file.
constexpr std::size_t kInMemory = 128 << 10;
// So much is handed to the disk at a time while more comes in: what makes it durable in the end
// has then little to wait for.
constexpr Bytes kFlushStep = 8 << 20;

Failure disk_failure(const char* doing) {
  return {Code::kUnavailable,
          std::string(doing) + " an upload: " + std::system_category().message(errno)};
}

/// All of a spool, from its beginning.
class SpoolSource : public Source {
 public:
  SpoolSource(std::string_view memory, int file, Bytes size, const std::string& sha256)
      : memory_(memory), file_(file), size_(size), sha256_(sha256) {}

  std::int64_t expected() const noexcept override { return static_cast<std::int64_t>(size_); }
  bool hashes() const noexcept override { return true; }
  std::string sha256() override { return sha256_; }

  std::size_t read(char* buffer, std::size_t capacity) override {
    const std::size_t wanted = std::min<Bytes>(capacity, size_ - offset_);
    if (wanted == 0) return 0;
    std::size_t got = wanted;
    if (file_ < 0) {
      std::memcpy(buffer, memory_.data() + offset_, wanted);
    } else {
      ssize_t count = 0;
      do count = ::pread(file_, buffer, wanted, static_cast<off_t>(offset_));
      while (count < 0 && errno == EINTR);
      if (count < 0) throw disk_failure("reading");
      if (count == 0) throw Failure(Code::kInternal, "reading an upload: its file became shorter");
      got = static_cast<std::size_t>(count);
    }
    offset_ += got;
    return got;
  }

  bool exhausted() const noexcept { return offset_ == size_; }

 private:
  const std::string_view memory_;
  const int file_;
  const Bytes size_;
  const std::string& sha256_;
  Bytes offset_ = 0;
};

}  // namespace

void Spool::write(std::string_view bytes) {
  if (keep_in_memory(bytes)) return;
  if (!file_) {
    make_file();
    write_file(memory_);
    memory_ = std::string();
    static_cast<void>(share_.resize(0, most_));
  }
  write_file(bytes);
  // What is soon written over need not reach the disk.
  if (ring_ > 0 || size_ - on_its_way_ < kFlushStep) return;
  // Only a hint: the storage that makes it durable hears of errors.
  ::sync_file_range(file_.get(), static_cast<off_t>(on_its_way_),
                    static_cast<off_t>(size_ - on_its_way_), SYNC_FILE_RANGE_WRITE);
  on_its_way_ = size_;
}

bool Spool::keep_in_memory(std::string_view bytes) {
  const std::size_t size = memory_.size() + bytes.size();
  if (file_ || size > kInMemory) return false;
  if (size > kOwn && !share_.resize(size, most_)) return false;
  memory_.append(bytes);
  return true;
}

void Spool::store(Storage& storage, const std::string& key) {
  end_digests();
  if (ring_ > 0 && size_ > ring_) {
    throw Failure(Code::kInternal, "an upload was to be stored of which a part is gone");
  }
  if (!file_ || !storage.adopt(key, file_.get(), size_, sha256_)) {
    SpoolSource source(memory_, file_ ? file_.get() : -1, file_ ? size_ : memory_.size(), sha256_);
    storage.put(key, source);
    if (!source.exhausted()) {
      throw Failure(Code::kInternal, "the storage did not take the whole upload");
    }
  }
  release();
}

void Spool::complete() {
  end_digests();
  release();
}

void Spool::end_digests() {
  sha256_ = hash_.hex();
  if (making_tag_) tag_ = making_tag_->text();
}

/// The object may live on until the form with its other files is complete.
void Spool::release() {
  file_.reset();
  memory_ = std::string();
  static_cast<void>(share_.resize(0, most_));
}

void Spool::write_file(std::string_view bytes) {
  while (!bytes.empty()) {
    const Bytes at = ring_ > 0 ? size_ % ring_ : size_;
    const Bytes room = ring_ > 0 ? std::min<Bytes>(bytes.size(), ring_ - at) : bytes.size();
    const ssize_t count = ::pwrite(file_.get(), bytes.data(), room, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw disk_failure("writing");
    size_ += static_cast<Bytes>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Spool::make_file() {
  file_ = UniqueFd(::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file_) return;
  // Not every file system has files without a name; one that loses it is as good, but cannot be
  // taken over by a storage.
  if (errno != EOPNOTSUPP && errno != EISDIR) throw disk_failure("making a file for");
  std::string name = folder_ / "upload-XXXXXX";
  file_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_) throw disk_failure("making a file for");
  ::unlink(name.c_str());
}

}  // namespace podium
