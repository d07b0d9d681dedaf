#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"
#include "obs/meters.hpp"
#include "session/backup.hpp"

namespace podium {

/// A session: files that belong together, of one principal.
struct SessionRecord {
  std::string id;
  std::string principal;
  std::string entity;  ///< entity_id of the request, may be empty
  EpochMs created = 0;
  EpochMs used = 0;
  std::string tenant = {};  ///< of the principal, may be empty
};

/// A file of a session. Many records may bear one name: the newest is the current one. A file that
/// a program removed is gone from its session: it is in no list of it and has no name there, but is
/// still found by its id, because an older answer named it.
struct FileRecord {
  std::string id;
  std::string session;
  std::string principal;  ///< of the session; filled when read
  std::string name;
  std::string blob;  ///< key in the storage
  std::string sha256;
  Bytes size = 0;
  std::string origin;    ///< "upload" or "output"
  std::string kind;      ///< "user", "agent", "skill" or empty
  std::string resource;  ///< the id beside kind, may be empty
  std::string version;   ///< may be empty
  bool read_only = false;
  std::string modified_from;          ///< file id, may be empty
  std::string modified_from_session;  ///< its session, may be empty
  EpochMs created = 0;
  std::string tenant = {};  ///< of the session; filled when read
  /// Of the blob: what OneTimeTag::text() gave for it. Empty where the storage has local files, and
  /// in records of versions that made none. Holds a key: not to be shown to anybody.
  std::string tag = {};
};

/// Sessions and file records in SQLite: the only SQL in the tree.
///
/// One writer thread commits what many callers ask for in batched transactions; readers have
/// sessions of their own. Blocking: call on executor threads. What a call has acknowledged is on
/// disk. Names and ids must not hold NUL: Failure(kInvalidArgument). A locked, full or corrupt
/// database: Failure(kUnavailable).
class SessionStore {
 public:
  /// What to do about a database that cannot be opened: end, or go on without it and try again.
  enum class Broken { kThrow, kRetry };

  /// Opens or makes the database and migrates it. Throws Failure that names the file. With kRetry
  /// every call throws Failure(kUnavailable) with the reason until the database can be opened.
  explicit SessionStore(const std::filesystem::path& file, Broken broken = Broken::kThrow,
                        DatabaseMeter meter = {});
  ~SessionStore();

  std::optional<SessionRecord> find_session(const std::string& id);
  /// Every record but those that are gone, oldest first.
  std::vector<FileRecord> files(const std::string& session);
  /// The newest record of each name, by name.
  std::vector<FileRecord> current_files(const std::string& session);
  std::optional<FileRecord> find_file(const std::string& id);
  /// The newest record of that name in a session.
  std::optional<FileRecord> find_file_by_name(const std::string& session, const std::string& name);

  /// Creates the session when it is new, otherwise sets `used`; lets the files with the ids `gone`
  /// go, each with the older ones of its name; adds the files; one transaction. What is newer of a
  /// name, from a run at the same time, stays.
  void commit(const SessionRecord& session, const std::vector<FileRecord>& files,
              const std::vector<std::string>& gone = {});
  /// The same without waiting and without a promise: for sessions without files.
  void commit_later(SessionRecord session);
  /// commit_later() in two halves, for who has an answer to send in between: from the first on the
  /// session is found, the second has it written.
  void note(SessionRecord session);
  void write_noted();
  /// Removes a record; its blob key, or nothing when it was gone.
  std::optional<std::string> remove_file(const std::string& id);

  /// Removes up to `limit` sessions not used since `before`, with their files, except those for
  /// which `in_use` says true; the blob keys that were theirs.
  std::vector<std::string> remove_expired(EpochMs before, unsigned limit,
                                          const std::function<bool(const std::string&)>& in_use);
  /// Whether any record names that blob.
  bool blob_is_used(const std::string& key);
  /// When this database was made: blobs that are older may be known to another one.
  EpochMs created();

  /// Writes a copy of the whole database to the folder "backup" beside it; see back_up_database.
  /// Others go on meanwhile.
  Backup back_up();

  /// Reads one row, and writes one when the last write failed or was long ago; throws when the
  /// database does not do as it should. For health.
  void check();
  /// Why it takes no writes, as far as is known; empty: it does. Any thread, never blocks.
  std::string trouble() const;

 private:
  friend class AccountStore;
  struct State;
  struct Connections& connections();

  std::unique_ptr<State> state_;
};

}  // namespace podium
