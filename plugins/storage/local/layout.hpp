#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <functional>
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
/// All folders have mode 0700. Every shard exists from the start, so that no put has to make one
/// durable.
class Layout {
 public:
  /// Makes what is missing. Throws Error that names the path, also for a root that others may
  /// write to.
  explicit Layout(const std::filesystem::path& root);

  /// Whether the constructor would work, found out without changing anything. Throws Error.
  static void check(const std::filesystem::path& root);

  int blobs() const noexcept { return blobs_.get(); }
  int objects() const noexcept { return objects_.get(); }
  int tmp() const noexcept { return tmp_.get(); }
  /// Of the root, for messages.
  const std::string& root() const noexcept { return root_; }

 private:
  std::string root_;
  Descriptor blobs_, objects_, tmp_;
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
