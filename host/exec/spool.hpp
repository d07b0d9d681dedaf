#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/sha256.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// Content that arrives piece by piece, kept until it is whole: in memory as long as it is small,
/// then in a file without a name, which is gone with the object whatever happens. Hashed on the
/// way. Blocking; one thread at a time.
class Spool {
 public:
  /// `folder` is where the file will be made: best on the file system of the storage. With a
  /// `ring` it has no more than so many bytes, which are written over again and again: what it
  /// holds goes on from descriptor() meanwhile, and only what fits as a whole can be stored.
  explicit Spool(std::filesystem::path folder, Bytes ring = 0)
      : folder_(std::move(folder)), ring_(ring) {}

  /// Throws Failure(kUnavailable) when the disk does not take it.
  void append(std::string_view bytes);
  /// Hands all of it to the storage, the file itself if the storage takes it. Nothing may be
  /// appended any more. Throws what put throws.
  void store(Storage& storage, const std::string& key);

  /// Nothing will be appended any more, and what has gone on is all: instead of store.
  void complete();

  /// Of the file, after append of more than fits into memory.
  int descriptor() const noexcept { return file_.get(); }

  /// After store or complete: 64 lower-case hexadecimal digits.
  const std::string& sha256() const noexcept { return sha256_; }

 private:
  void write(std::string_view bytes);
  void make_file();
  void release();

  const std::filesystem::path folder_;
  const Bytes ring_;                 ///< 0: none
  Bytes size_ = 0, on_its_way_ = 0;  ///< written; of it, what the disk was told to take
  std::string memory_;               ///< until there is a file
  UniqueFd file_;
  Sha256 hash_;
  std::string sha256_;
};

}  // namespace podium
