#include "local_store.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "error.hpp"
#include "object_name.hpp"

namespace podium::local {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;
/// A put that finds its blob removed by others so many times in a row gives up.
constexpr int kAttempts = 100;

sdk::Blob describe(std::string_view key, const struct stat& info) {
  return {key, static_cast<std::uint64_t>(info.st_size),
          std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000};
}

std::string printable(std::string_view key) { return "'" + object_name(key).substr(1) + "'"; }

}  // namespace

LocalStore::LocalStore(StoreOptions options)
    : options_(std::move(options)), layout_(options_.root, options_.fsync) {}

void LocalStore::put(std::string_view key, const Reader& read,
                     std::optional<std::uint64_t> expected, const DigestTeller& digest) {
  StagedFile staged(layout_);
  staged.receive(read, expected, options_.fsync, digest);
  keep(key, staged);
}

bool LocalStore::adopt(std::string_view key, int descriptor, std::uint64_t length,
                       std::string_view sha256) {
  const auto staged =
      StagedFile::adopt(layout_, descriptor, length, std::string(sha256), options_.fsync);
  if (staged) keep(key, *staged);
  return staged != nullptr;
}

/// Puts complete content under its key.
void LocalStore::keep(std::string_view key, const StagedFile& staged) {
  const std::string object = object_path(key);
  // Each step starts over when the blob went away in between, because a remove or a sweep found it
  // without a key. `staged` keeps the content until the end.
  const std::string blob = blob_path(staged.sha256());
  layout_.need_shards(blob, object);
  bool linked = false;
  for (int attempt = 0; attempt < kAttempts && !linked; ++attempt) {
    linked = link_blob(staged, blob) && link_object(blob, object);
  }
  if (!linked) {
    throw Error(PODIUM_UNAVAILABLE,
                layout_.root() + "/blobs/" + blob + ": removed by others again and again");
  }

  if (options_.fsync) {
    sync_folder(layout_.objects(), object.substr(0, 2));
    sync_folder(layout_.blobs(), blob.substr(0, 2));
  }
}

/// Makes sure that `blob` is there with the content of `staged`; false: try again.
bool LocalStore::link_blob(const StagedFile& staged, const std::string& blob) {
  if (linkat(layout_.tmp(), staged.name().c_str(), layout_.blobs(), blob.c_str(), 0) == 0) {
    return true;
  }
  if (errno != EEXIST) throw system_error("linking", layout_.root() + "/blobs/" + blob);

  struct stat info;
  if (fstatat(layout_.blobs(), blob.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  // A blob of another length was damaged from outside, one with too many links takes no more: both
  // make way for the new file and live on under the keys they have.
  const bool fits = S_ISREG(info.st_mode) &&
                    static_cast<std::uint64_t>(info.st_size) == staged.size() &&
                    info.st_nlink < options_.max_links;
  if (!fits) {
    unlinkat(layout_.blobs(), blob.c_str(), 0);
    return false;
  }
  // The time is that of the newest key: whoever collects old keys must not take a new one for old.
  return utimensat(layout_.blobs(), blob.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
}

/// Makes `object` a link to `blob`; false: the blob has gone, try again.
bool LocalStore::link_object(const std::string& blob, const std::string& object) {
  if (linkat(layout_.blobs(), blob.c_str(), layout_.objects(), object.c_str(), 0) == 0) return true;
  if (errno == ENOENT) return false;
  if (errno == EEXIST) return replace_object(blob, object);
  throw system_error("linking", object_file(object));
}

bool LocalStore::replace_object(const std::string& blob, const std::string& object) {
  const Descriptor former(
      openat(layout_.objects(), object.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  const std::string link = unique_name();
  if (linkat(layout_.blobs(), blob.c_str(), layout_.tmp(), link.c_str(), 0) != 0) {
    if (errno == ENOENT) return false;
    throw system_error("linking", layout_.root() + "/tmp/" + link);
  }
  const int error =
      renameat(layout_.tmp(), link.c_str(), layout_.objects(), object.c_str()) == 0 ? 0 : errno;
  // rename(2) does nothing and says success when both names are links to one file already.
  unlinkat(layout_.tmp(), link.c_str(), 0);
  if (error == ENOENT) return false;  // a sweep took the link for a left-over
  if (error != 0) throw system_error("replacing", object_file(object), error);
  if (former) drop_blob_of(former);
  return true;
}

void LocalStore::get(std::string_view key, std::uint64_t offset, std::uint64_t length,
                     const std::function<void(std::string_view)>& write) const {
  const Descriptor file = open(key);
  struct stat info;
  if (fstat(file.get(), &info) != 0) throw system_error("reading", printable(key));
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (offset > size || (length != UINT64_MAX && length > size - offset)) {
    throw Error(PODIUM_INVALID_ARGUMENT,
                printable(key) + ": has " + std::to_string(size) + " bytes, asked for " +
                    (length == UINT64_MAX ? "all" : std::to_string(length)) + " from " +
                    std::to_string(offset));
  }
  std::uint64_t left = std::min(length, size - offset);
  const std::size_t capacity = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBuffer));
  const std::unique_ptr<char[]> buffer(new char[std::max<std::size_t>(capacity, 1)]);
  while (left > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity));
    const ssize_t count = pread(file.get(), buffer.get(), wanted, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("reading", printable(key));
    if (count == 0) {
      throw Error(PODIUM_INTERNAL, printable(key) + ": the file was cut while read");
    }
    write({buffer.get(), static_cast<std::size_t>(count)});
    offset += static_cast<std::uint64_t>(count);
    left -= static_cast<std::uint64_t>(count);
  }
}

sdk::Blob LocalStore::head(std::string_view key) const {
  const std::string object = object_path(key);
  struct stat info;
  if (fstatat(layout_.objects(), object.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    return describe(key, info);
  }
  throw not_found_or("looking for", object);
}

void LocalStore::list(std::string_view prefix, const sdk::BlobVisitor& each) const {
  for_each_shard([&](const std::string& shard) {
    return for_each_name(layout_.objects(), shard, [&](const char* name) {
      const std::optional<std::string> key = key_of(name);
      if (!key || !key->starts_with(prefix)) return true;
      struct stat info;
      const std::string object = shard + "/" + name;
      if (fstatat(layout_.objects(), object.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return true;
      return each(describe(*key, info));
    });
  });
}

void LocalStore::remove(std::string_view key) {
  const std::string object = object_path(key);
  const Descriptor content(
      openat(layout_.objects(), object.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (unlinkat(layout_.objects(), object.c_str(), 0) != 0) {
    if (errno == ENOENT) return;
    throw system_error("removing", object_file(object));
  }
  // Not synced: a key that a power failure brings back is an orphan like any other, and the owner
  // of the keys removes it again.
  if (content) drop_blob_of(content);
}

/// Removes the blob of an object that is gone, when only its own name is left.
///
/// A put may link to the blob in between. Then the new object keeps the content alive by itself,
/// and only the next put of the same content does not find it.
void LocalStore::drop_blob_of(const Descriptor& content) {
  struct stat info, named;
  std::array<char, 64> digest;
  if (fstat(content.get(), &info) != 0 || info.st_nlink != 1) return;
  if (fgetxattr(content.get(), kDigestAttribute, digest.data(), digest.size()) !=
      static_cast<ssize_t>(digest.size())) {
    return;
  }
  const std::string blob = blob_path({digest.data(), digest.size()});
  // The one link left is an object when a twin has taken the blob's name.
  if (fstatat(layout_.blobs(), blob.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
      named.st_ino == info.st_ino && named.st_dev == info.st_dev) {
    unlinkat(layout_.blobs(), blob.c_str(), 0);
  }
}

Error LocalStore::not_found_or(const char* doing, const std::string& object) const {
  if (errno == ENOENT) return {PODIUM_NOT_FOUND, object_file(object) + ": there is no such blob"};
  return system_error(doing, object_file(object));
}

Descriptor LocalStore::open(std::string_view key) const {
  const std::string object = object_path(key);
  Descriptor file(openat(layout_.objects(), object.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) throw not_found_or("opening", object);
  return file;
}

SweepResult LocalStore::sweep() {
  SweepResult result;
  result.staged = sweep_staged_files(layout_);
  for_each_shard([&](const std::string& shard) {
    return for_each_name(layout_.blobs(), shard, [&](const char* name) {
      struct stat info;
      const std::string blob = shard + "/" + name;
      if (fstatat(layout_.blobs(), blob.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          info.st_nlink == 1 && unlinkat(layout_.blobs(), blob.c_str(), 0) == 0) {
        ++result.blobs;
      }
      return true;
    });
  });
  return result;
}

StoreHealth LocalStore::health() const noexcept {
  StoreHealth health;
  struct statvfs space;
  if (fstatvfs(layout_.tmp(), &space) == 0) {
    health.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
    health.free_files = space.f_favail;
    health.low = health.free_bytes < options_.low_space;
  }
  try {
    StagedFile probe(layout_);
    bool given = false;
    probe.receive(
        [&](char* buffer, std::size_t) -> std::size_t {
          if (std::exchange(given, true)) return 0;
          *buffer = 'p';
          return 1;
        },
        1, false);
    health.writable = true;
  } catch (const std::exception& error) {
    health.problem = error.what();
  }
  return health;
}

}  // namespace podium::local
