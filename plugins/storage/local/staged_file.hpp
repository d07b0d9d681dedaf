#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "error.hpp"
#include "layout.hpp"

namespace podium::local {

/// Fills a buffer; 0 is the end. Throws to abort.
using Reader = std::function<std::size_t(char* buffer, std::size_t capacity)>;

/// The SHA-256 of what a Reader gave, after its end; empty when the sender does not hash.
using DigestTeller = std::function<std::string()>;

/// A name in tmp/ that nobody else uses.
std::string unique_name();

/// Content on its way in: a file in tmp/, removed by the destructor. While the object lives the
/// file is locked (flock), which tells a sweep, of this process or another, that it is in use.
class StagedFile {
 public:
  explicit StagedFile(const Layout& layout);
  /// Takes over somebody's file without a name, whose content is complete; nullptr when it cannot
  /// be given a name here. With `durable` it is on disk on return.
  static std::unique_ptr<StagedFile> adopt(const Layout& layout, int descriptor, std::uint64_t size,
                                           std::string sha256, bool durable);
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  ~StagedFile();

  /// Writes all that `read` gives, and hashes it meanwhile unless the sender tells the digest. With
  /// `durable`, writing to the disk begins at once and is done on return.
  void receive(const Reader& read, std::optional<std::uint64_t> expected, bool durable,
               const DigestTeller& digest_of_sender = nullptr);

  const std::string& name() const noexcept { return name_; }
  const std::string& sha256() const noexcept { return sha256_; }
  std::uint64_t size() const noexcept { return size_; }

 private:
  struct Nothing {};
  StagedFile(const Layout& layout, Nothing) : layout_(layout) {}
  bool lock();
  void complete(bool durable);
  void append(const char* data, std::size_t size);
  std::string path() const { return layout_.root() + "/tmp/" + name_; }

  const Layout& layout_;
  std::string name_;
  Descriptor fd_;
  std::string sha256_;
  std::uint64_t size_ = 0;
};

/// Removes the files in tmp/ that no StagedFile owns any more; how many there were.
std::uint64_t sweep_staged_files(const Layout& layout);

}  // namespace podium::local
