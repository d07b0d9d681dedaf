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
  /// `folder` is where the file will be made: best on the file system of the storage.
  explicit Spool(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Throws Failure(kUnavailable) when the disk does not take it.
  void append(std::string_view bytes);
  /// Hands all of it to the storage, the file itself if the storage takes it. Nothing may be
  /// appended any more. Throws what put throws.
  void store(Storage& storage, const std::string& key);

  /// After store: 64 lower-case hexadecimal digits.
  const std::string& sha256() const noexcept { return sha256_; }

 private:
  void write(std::string_view bytes);
  void make_file();

  const std::filesystem::path folder_;
  Bytes size_ = 0, on_its_way_ = 0;  ///< of the file; of it, what the disk was told to take
  std::string memory_;               ///< until there is a file
  UniqueFd file_;
  Sha256 hash_;
  std::string sha256_;
};

}  // namespace podium
