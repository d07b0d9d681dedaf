#include "layout.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "digest/digest.hpp"
#include "error.hpp"
#include "object_name.hpp"

namespace podium::local {

namespace {

constexpr mode_t kFolderMode = 0700;
constexpr std::string_view kDigits = "0123456789abcdef";

/// 0 to 255 for "00" to "ff".
std::optional<std::size_t> shard_number(std::string_view shard) {
  if (shard.size() != 2) return std::nullopt;
  const auto high = kDigits.find(shard[0]), low = kDigits.find(shard[1]);
  if (high == kDigits.npos || low == kDigits.npos) return std::nullopt;
  return high * 16 + low;
}

void require_private(int fd, const std::string& path, mode_t forbidden) {
  struct stat info;
  if (fstat(fd, &info) != 0) throw system_error("reading the mode of", path);
  if ((info.st_mode & forbidden) == 0) return;
  throw Error(PODIUM_UNAVAILABLE, path + ": other accounts may " +
                                      ((forbidden & 0055) != 0 ? "enter" : "write to") +
                                      " this folder; take that right away with chmod go-" +
                                      ((forbidden & 0055) != 0 ? "rwx" : "w"));
}

Descriptor open_folder(int parent, const std::string& name, const std::string& path) {
  Descriptor folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) throw system_error("opening the folder", path);
  return folder;
}

/// Makes and opens one of the store's own folders.
Descriptor make_folder(int root, const std::string& name, const std::string& path) {
  if (mkdirat(root, name.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    throw system_error("making the folder", path);
  }
  Descriptor folder = open_folder(root, name, path);
  require_private(folder.get(), path, 0077);
  return folder;
}

/// mkdir -p; the folders made get mode 0700.
void make_folders(const std::filesystem::path& path) {
  if (path.empty() || mkdir(path.c_str(), kFolderMode) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throw system_error("making the folder", path.native());
  make_folders(path.parent_path());
  if (mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    throw system_error("making the folder", path.native());
  }
}

}  // namespace

Layout::Layout(const std::filesystem::path& root, bool durable)
    : root_(std::filesystem::absolute(root).lexically_normal().native()), durable_(durable) {
  make_folders(root_);
  const Descriptor folder = open_folder(AT_FDCWD, root_, root_);
  require_private(folder.get(), root_, 0022);
  open_part(blobs_, folder.get(), "blobs");
  open_part(objects_, folder.get(), "objects");
  tmp_ = make_folder(folder.get(), "tmp", root_ + "/tmp");
  if (durable_ && fsync(folder.get()) != 0) throw system_error("syncing the folder", root_);
}

void Layout::open_part(Part& part, int root, const std::string& name) {
  part.folder = make_folder(root, name, root_ + "/" + name);
  for_each_name(part.folder.get(), ".", [&](const char* shard) {
    if (const auto number = shard_number(shard)) part.made.set(*number);
    return true;
  });
  // After the look, so that what was seen is on disk now.
  if (durable_ && fsync(part.folder.get()) != 0) {
    throw system_error("syncing the folder", root_ + "/" + name);
  }
}

void Layout::need_shards(const std::string& blob, const std::string& object) {
  need_shard(blobs_, "blobs", blob.substr(0, 2));
  need_shard(objects_, "objects", object.substr(0, 2));
}

void Layout::need_shard(Part& part, const std::string& name, const std::string& shard) {
  const std::size_t number = shard_number(shard).value();
  // Held during fsync: who finds the shard made may rely on its being durable.
  std::lock_guard lock(part.mutex);
  if (part.made.test(number)) return;
  const std::string path = root_ + "/" + name + "/" + shard;
  if (mkdirat(part.folder.get(), shard.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    throw system_error("making the folder", path);
  }
  if (durable_ && fsync(part.folder.get()) != 0) throw system_error("syncing the folder", path);
  part.made.set(number);
}

void Layout::check(const std::filesystem::path& root) {
  auto nearest = std::filesystem::absolute(root).lexically_normal();
  struct stat info;
  while (stat(nearest.c_str(), &info) != 0) {
    if (errno != ENOENT) throw system_error("opening", nearest.native());
    nearest = nearest.parent_path();
  }
  const std::string& path = nearest.native();
  if (!S_ISDIR(info.st_mode)) {
    throw Error(PODIUM_INVALID_ARGUMENT, path + ": a file, expected a folder");
  }
  if (faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw system_error("writing to the folder", path);
  }
}

std::string blob_path(std::string_view sha256) {
  return std::string(sha256.substr(0, 2)).append("/").append(sha256);
}

std::string object_path(std::string_view key) {
  digest::Digest digest;
  digest.update(key);
  return digest.hex().substr(0, 2) + "/" + object_name(key);
}

bool for_each_name(int parent, const std::string& path,
                   const std::function<bool(const char* name)>& each) {
  Descriptor fd(openat(parent, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return true;
  if (!fd) throw system_error("opening the folder", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd.get()), closedir);
  if (!folder) throw system_error("listing the folder", path);
  static_cast<void>(fd.release());

  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr && errno != 0) throw system_error("listing the folder", path);
    if (entry == nullptr) return true;
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !each(entry->d_name)) return false;
  }
}

void for_each_shard(const std::function<bool(const std::string& shard)>& each) {
  for (const char high : kDigits) {
    for (const char low : kDigits) {
      if (!each(std::string{high, low})) return;
    }
  }
}

void sync_folder(int parent, const std::string& path) {
  const Descriptor folder(openat(parent, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) throw system_error("syncing the folder", path);
}

}  // namespace podium::local
