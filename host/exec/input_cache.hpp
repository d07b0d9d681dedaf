#pragma once
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"
#include "config/config.hpp"
#include "exec/content_check.hpp"

namespace podium {

/// Contents of a remote storage as files of this machine, each once, named after its SHA-256: a
/// run's input is a hard link to one, and what ten runs use is fetched once.
///
/// Contents are verified while they are fetched, and again when they are first used after a start,
/// because a power failure may have cut what was written last: see ContentCheck. The least recently
/// used go first; a run keeps what it has linked. Blocking; any thread.
class InputCache {
 public:
  /// `folder` is made, with mode 0700, when there is something to keep: it must be on the file
  /// system of the runs. At most one cache on a folder.
  explicit InputCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  using Write = std::function<void(std::string_view)>;
  /// Gives a content piece by piece; throws Failure.
  using Fetch = std::function<void(const Write& write)>;

  /// What open() came to: neither when the content has no place here.
  struct Opened {
    UniqueFd file;        ///< read-only
    bool coming = false;  ///< another is fetching it: ask again when when_fetched() tells
  };
  /// That content, after fetching it when it is not there. It has no place without a digest, and
  /// when it is larger than `capacity` less what is being fetched. Waits for nobody else's fetch.
  /// Throws Failure: what `fetch` threw; kUnavailable when it gave another content, or when the
  /// disk is full; kCancelled when `cancelled` became true.
  Opened open(const StoredContent& content, Bytes capacity, const Fetch& fetch,
              const std::function<bool()>& cancelled);
  /// Calls `then` once, when nobody is fetching that content: at once, or on the thread of who ends
  /// to do so, whatever came of it. Quick, and must not throw.
  void when_fetched(const std::string& sha256, std::function<void()> then);
  /// The same when it is there already; otherwise none.
  UniqueFd find(const StoredContent& content);

  struct Counts {
    std::uint64_t hits = 0, fetches = 0;
    Bytes bytes = 0;  ///< kept now
  };
  Counts counts() const;

 private:
  struct Entry {
    Bytes size = 0;
    bool verified = false;
    std::list<std::string>::iterator place;
  };

  void load();
  UniqueFd open_kept(std::unique_lock<std::mutex>& lock, const StoredContent& content);
  bool make_room(Bytes size, Bytes capacity);
  void drop(const std::string& sha256);
  UniqueFd fetch_content(const StoredContent& content, const Fetch& fetch,
                         const std::function<bool()>& cancelled) const;

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  bool loaded_ = false;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> by_use_;  ///< the least recently used first
  std::map<std::string, std::vector<std::function<void()>>> fetching_;  ///< with who is to be told
  Bytes kept_ = 0, coming_ = 0;
  std::uint64_t hits_ = 0, fetches_ = 0;
};

}  // namespace podium
