#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/one_time_tag.hpp"
#include "base/sha256.hpp"
#include "exec/byte_budget.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// Content that arrives piece by piece, kept until it is whole: in memory as long as it is small,
/// then in a file without a name, which is gone with the object whatever happens. Hashed on the
/// way. Blocking; one thread at a time, but that one may write while another hashes.
class Spool {
 public:
  /// `folder` is where the file will be made: best on the file system of the storage. With a
  /// `ring` it has no more than so many bytes, which are written over again and again: what it
  /// holds goes on from descriptor() meanwhile, and only what fits as a whole can be stored.
  ///
  /// What it keeps in memory beyond kOwn is a share of `memory`, of which no more than `most` is to
  /// be used: when that is not to be had, there is a file earlier. With `tagged` the content gets a
  /// tag beside its digest.
  Spool(std::filesystem::path folder, Bytes ring, std::shared_ptr<ByteBudget> memory, Bytes most,
        bool tagged)
      : folder_(std::move(folder)), ring_(ring), most_(most), share_(std::move(memory)) {
    if (tagged) making_tag_.emplace();
  }

  /// Bytes that any spool may keep in memory.
  static constexpr std::size_t kOwn = 16 << 10;

  /// Keeps the next bytes. Throws Failure(kUnavailable) when the disk does not take them.
  void write(std::string_view bytes);
  /// Hashes the next bytes: all that are written have to be, in order.
  void hash(std::string_view bytes) {
    hash_.update(bytes);
    if (making_tag_) making_tag_->update(bytes);  // they are in the processor's cache now
  }
  /// Hands all of it to the storage, the file itself if the storage takes it. Nothing may be
  /// appended any more. Throws what put throws.
  void store(Storage& storage, const std::string& key);

  /// Nothing will be appended any more, and what has gone on is all: instead of store.
  void complete();

  /// Of the file, after write of more than fits into memory.
  int descriptor() const noexcept { return file_.get(); }

  /// After store or complete: 64 lower-case hexadecimal digits.
  const std::string& sha256() const noexcept { return sha256_; }
  /// After store or complete: OneTimeTag::text() of it; empty when it is not `tagged`.
  const std::string& tag() const noexcept { return tag_; }

 private:
  bool keep_in_memory(std::string_view bytes);
  void write_file(std::string_view bytes);
  void make_file();
  void end_digests();
  void release();

  const std::filesystem::path folder_;
  const Bytes ring_;                 ///< 0: none
  const Bytes most_;                 ///< of all that share_ is one of
  ByteShare share_;                  ///< of memory_
  Bytes size_ = 0, on_its_way_ = 0;  ///< written; of it, what the disk was told to take
  std::string memory_;               ///< until there is a file
  UniqueFd file_;
  Sha256 hash_;
  std::optional<OneTimeTag> making_tag_;
  std::string sha256_, tag_;
};

}  // namespace podium
