#include "staged_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "digest/digest.hpp"
#include "error.hpp"

namespace podium::local {

namespace {

constexpr std::size_t kReadAtOnce = 512 * 1024;
/// So many zeros in a row are left out.
constexpr std::size_t kHole = 64 * 1024;
/// So much is handed to the disk at a time while more is coming in, so that little is left for
/// fdatasync to wait for.
constexpr std::uint64_t kFlushStep = 8 * 1024 * 1024;

}  // namespace

std::string unique_name() {
  std::array<unsigned char, 16> random;
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw Error(PODIUM_INTERNAL, "getrandom gave no random bytes");
  }
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string name;
  for (const unsigned char byte : random) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

StagedFile::StagedFile(const Layout& layout) : layout_(layout) {
  for (;;) {
    name_ = unique_name();
    fd_ = Descriptor(
        openat(layout.tmp(), name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd_) throw system_error("making", path());
    if (lock()) return;
  }
}

std::unique_ptr<StagedFile> StagedFile::adopt(const Layout& layout, int descriptor,
                                              std::uint64_t size, std::string sha256,
                                              bool durable) {
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode) ||
      static_cast<std::uint64_t>(info.st_size) != size) {
    throw Error(PODIUM_INVALID_ARGUMENT,
                "the file to be taken over is not one of " + std::to_string(size) + " bytes");
  }
  std::unique_ptr<StagedFile> staged(new StagedFile(layout, Nothing{}));
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
  do {
    staged->name_ = unique_name();
    // It may lie on another file system, or on one without files that get their name later.
    if (linkat(AT_FDCWD, file.c_str(), layout.tmp(), staged->name_.c_str(), AT_SYMLINK_FOLLOW) !=
        0) {
      return nullptr;
    }
    // Opened anew, for a lock of its own.
    staged->fd_ =
        Descriptor(openat(layout.tmp(), staged->name_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!staged->fd_ && errno != ENOENT) throw system_error("opening", staged->path());
  } while (!staged->fd_ || !staged->lock());
  staged->size_ = size;
  staged->sha256_ = std::move(sha256);
  staged->complete(durable);
  return staged;
}

/// False when a sweep has come between making and locking: then the file has no name any more.
bool StagedFile::lock() {
  struct stat info;
  int outcome;
  do outcome = flock(fd_.get(), LOCK_EX);
  while (outcome != 0 && errno == EINTR);
  if (outcome != 0 || fstat(fd_.get(), &info) != 0) throw system_error("locking", path());
  return info.st_nlink == 1;
}

StagedFile::~StagedFile() {
  if (!name_.empty()) unlinkat(layout_.tmp(), name_.c_str(), 0);
}

void StagedFile::receive(const Reader& read, std::optional<std::uint64_t> expected, bool durable,
                         const DigestTeller& digest_of_sender) {
  // Not a vector: its bytes would be cleared first, and most of it is never touched for a small
  // file.
  const std::unique_ptr<char[]> buffer(new char[kReadAtOnce]);
  digest::Digest digest;
  std::uint64_t flushed = 0;
  for (bool end = false; !end;) {
    std::size_t filled = 0;
    while (filled < kReadAtOnce) {
      const std::size_t count = read(buffer.get() + filled, kReadAtOnce - filled);
      end = count == 0;
      if (end) break;
      filled += count;
    }
    append(buffer.get(), filled);
    if (durable && size_ - flushed >= kFlushStep) {
      // Only a hint: a failure to write is reported by fdatasync.
      sync_file_range(fd_.get(), static_cast<off_t>(flushed), static_cast<off_t>(size_ - flushed),
                      SYNC_FILE_RANGE_WRITE);
      flushed = size_;
    }
    if (!digest_of_sender) digest.update({buffer.get(), filled});
  }
  if (expected && size_ != *expected) {
    throw Error(PODIUM_INVALID_ARGUMENT, "the source promised " + std::to_string(*expected) +
                                             " bytes and gave " + std::to_string(size_));
  }
  sha256_ = digest_of_sender ? digest_of_sender() : digest.hex();
  // A hole at the end has only been counted.
  if (ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) throw system_error("writing", path());
  complete(durable);
}

/// What makes a blob of the content: its mode, its digest, the disk.
void StagedFile::complete(bool durable) {
  if (fchmod(fd_.get(), 0666) != 0) throw system_error("setting the mode of", path());
  // Lets remove find the blob of an object. Where the file system has no such attributes, blobs
  // without a key are left to the sweep.
  fsetxattr(fd_.get(), kDigestAttribute, sha256_.data(), sha256_.size(), 0);
  if (durable && fdatasync(fd_.get()) != 0) throw system_error("writing", path());
}

/// Writes what is not all zeros: a sparse file stays one, and costs no disk.
void StagedFile::append(const char* data, std::size_t size) {
  while (size > 0) {
    const std::size_t block = std::min(size, kHole);
    const bool hole = block == kHole && data[0] == 0 && std::memcmp(data, data + 1, block - 1) == 0;
    for (std::size_t done = 0; !hole && done < block;) {
      const ssize_t count =
          pwrite(fd_.get(), data + done, block - done, static_cast<off_t>(size_ + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw system_error("writing", path());
      done += static_cast<std::size_t>(count);
    }
    size_ += block;
    data += block;
    size -= block;
  }
}

std::uint64_t sweep_staged_files(const Layout& layout) {
  std::uint64_t removed = 0;
  for_each_name(layout.tmp(), ".", [&](const char* name) {
    const Descriptor file(
        openat(layout.tmp(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file && flock(file.get(), LOCK_EX | LOCK_NB) == 0 && unlinkat(layout.tmp(), name, 0) == 0) {
      ++removed;
    }
    return true;
  });
  return removed;
}

}  // namespace podium::local
