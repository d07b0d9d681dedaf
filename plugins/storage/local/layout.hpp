#pragma once
#include <sys/stat.h>

#include <bitset>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "error.hpp"

namespace podium::local {

/// The folders of a store, opened once; every path below is relative to one of them:
///
///     <root>/blobs/<first two digits>/<sha256>   content, mode 0666, hard-linked by the objects
///     <root>/objects/<two digits of the key's sha256>/<object_name(key)>
///     <root>/tmp/<unique>                        content on its way in
///
/// All folders have mode 0700. A shard is made when it is first needed: making all 512 at the start
/// took 150 ms on a busy ext4.
class Layout {
 public:
  /// Makes what is missing. With `durable`, folders survive a power failure once made. Throws Error
  /// that names the path, also for a root that others may write to.
  Layout(const std::filesystem::path& root, bool durable);

  /// Whether the constructor would work, found out without changing anything. Throws Error.
  static void check(const std::filesystem::path& root);

  int blobs() const noexcept { return blobs_.folder.get(); }
  int objects() const noexcept { return objects_.folder.get(); }
  int tmp() const noexcept { return tmp_.get(); }

  /// Makes the shards that a blob_path and an object_path lie in. Any thread.
  void need_shards(const std::string& blob, const std::string& object);
  /// Of the root, for messages.
  const std::string& root() const noexcept { return root_; }

 private:
  struct Part {
    Descriptor folder;
    std::mutex mutex;
    std::bitset<256> made;  // shards that are there, and durable if asked for
  };
  void open_part(Part& part, int root, const std::string& name);
  void need_shard(Part& part, const std::string& name, const std::string& shard);

  std::string root_;
  bool durable_;
  Part blobs_, objects_;
  Descriptor tmp_;
};

/// Extended attribute of a blob: its sha256 in hexadecimal.
inline constexpr char kDigestAttribute[] = "user.podium.sha256";

/// "ab/<name>" below blobs() for a digest, below objects() for the name and digest of a key.
std::string blob_path(std::string_view sha256);
std::string object_path(std::string_view key);

/// Calls `each` for every name in the folder `path` below `parent`, without "." and "..", until it
/// returns false; says whether it never did. A folder that is not there is empty.
bool for_each_name(int parent, const std::string& path,
                   const std::function<bool(const char* name)>& each);

/// Calls `each("ab")` for all 256 shards until it returns false.
void for_each_shard(const std::function<bool(const std::string& shard)>& each);

/// Makes the entries of a folder durable. Throws Error.
void sync_folder(int parent, const std::string& path);

}  // namespace podium::local
