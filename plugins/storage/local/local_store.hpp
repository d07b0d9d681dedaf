#pragma once
#include <podium/sdk/storage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "error.hpp"
#include "layout.hpp"
#include "staged_file.hpp"

namespace podium::local {

struct StoreOptions {
  std::filesystem::path root;
  /// Without it a put is not durable, only atomic.
  bool fsync = true;
  /// Below so many free bytes the store calls itself degraded.
  std::uint64_t low_space = 0;
  /// A blob gets no more keys than this and then a twin: file systems bound the number of hard
  /// links (ext4: 65,000), and runs need some too.
  std::uint64_t max_links = 60'000;
};

struct StoreHealth {
  bool writable = false;
  bool low = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t free_files = 0;
  std::string problem;  ///< why it is not writable
};

struct SweepResult {
  std::uint64_t staged = 0;  ///< files that a crash left in tmp/
  std::uint64_t blobs = 0;   ///< blobs without a key
};

/// Blobs in files, each content once.
///
/// A key is a hard link to the blob of its content, so the link count is the reference count, kept
/// by the file system through any crash. Nothing is ever changed in place: who has a blob open
/// keeps what he opened. All functions: any thread, and any number of processes on one root; all
/// throw sdk::Error.
class LocalStore {
 public:
  explicit LocalStore(StoreOptions options);

  /// Keeps what `read` gives under `key`, durable on return. `expected` bytes, when known.
  void put(std::string_view key, const Reader& read, std::optional<std::uint64_t> expected,
           const DigestTeller& digest = nullptr);
  /// Keeps the content of a file without a name, without copying it; see podium_adopt_file. False
  /// when it cannot get a name here.
  bool adopt(std::string_view key, int descriptor, std::uint64_t length, std::string_view sha256);
  /// Pushes `length` bytes from `offset`, UINT64_MAX: to the end. `write` throws to stop.
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const std::function<void(std::string_view)>& write) const;
  /// PODIUM_NOT_FOUND when there is none, as of open().
  sdk::Blob head(std::string_view key) const;
  /// Looks at every key, whatever the prefix: about 2 µs each.
  void list(std::string_view prefix, const sdk::BlobVisitor& each) const;
  /// The blob goes with its last key, unless a run still links to it.
  void remove(std::string_view key);
  /// Open for reading only. PODIUM_NOT_FOUND when there is none.
  Descriptor open(std::string_view key) const;

  SweepResult sweep();
  StoreHealth health() const noexcept;
  const std::string& root() const noexcept { return layout_.root(); }

 private:
  void keep(std::string_view key, const StagedFile& staged);
  bool link_blob(const StagedFile& staged, const std::string& blob);
  bool link_object(const std::string& blob, const std::string& object);
  bool replace_object(const std::string& blob, const std::string& object);
  void drop_blob_of(const Descriptor& content);
  Error not_found_or(const char* doing, const std::string& object) const;
  std::string object_file(const std::string& object) const {
    return layout_.root() + "/objects/" + object;
  }

  StoreOptions options_;
  Layout layout_;
};

}  // namespace podium::local
