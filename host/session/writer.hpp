#pragma once
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "obs/meters.hpp"
#include "session/database.hpp"
#include "session/rows.hpp"
#include "session/store.hpp"

namespace podium {

/// What the writer's connection can do. Its thread only.
struct WriteStatements {
  explicit WriteStatements(Poco::Data::Session& connection);

  Poco::Data::Session& session;

  Prepared<void> begin, commit, savepoint, release;
  Prepared<void, std::string, std::int64_t> add_principal;  ///< id, created
  /// id, principal, entity, created, used, tenant
  Prepared<void, std::string, std::string, std::string, std::int64_t, std::int64_t, std::string>
      keep_session;
  /// id, session, name, blob, sha256, size, origin, kind, resource, version, read_only,
  /// modified_from, modified_from_session, created, tag
  Prepared<void, std::string, std::string, std::string, std::string, std::string, std::int64_t,
           std::string, std::string, std::string, std::string, std::int64_t, std::string,
           std::string, std::int64_t, std::string>
      add_file;
  /// id: the file and the older ones of its name
  Prepared<void, std::string> hide_file;
  Prepared<std::string, std::string> blob_of_file;
  Prepared<void, std::string> remove_file;
  /// used before; after (used, id); limit: one page of sessions by use
  Prepared<SessionRecord, std::int64_t, std::int64_t, std::string, std::int64_t> unused_sessions;
  Prepared<std::string, std::string> blobs_of_session;
  Prepared<void, std::string> remove_session;

  /// Creates the session or sets `used`, never back. Failure(kForbidden) when it is another's.
  void keep(const SessionRecord& record);
};

/// The one writer: a thread that commits what many callers ask for in one transaction, so that
/// they share one wait for the disk.
class Writer {
 public:
  using Job = std::function<void(WriteStatements&)>;

  /// Migrates the database. Throws Failure.
  explicit Writer(std::filesystem::path file, DatabaseMeter meter = {});
  /// Commits what is still waiting.
  ~Writer();

  /// Runs `job` on the writer's thread and returns when it is on disk. When the job throws, only
  /// its own changes are taken back, and that is thrown here; when the transaction as a whole
  /// fails, all its callers get Failure(kUnavailable). Any thread but the writer's.
  void run(Job job);

  /// Keeps a session with the next transaction, of whoever asks for one. When that fails, or too
  /// many are waiting, it is dropped.
  void keep_later(SessionRecord session);
  /// Makes that transaction come within a tenth of a second. It wakes a thread, which costs more
  /// than the note.
  void write_later();
  /// Why the last transaction failed, empty when it did not; and when the last one succeeded.
  std::string failure() const;
  EpochMs last_success() const;
  /// Whether a transaction is under way: who asks for another waits for that one first.
  bool busy() const;

  /// A session that keep_later has not written yet.
  std::optional<SessionRecord> waiting(const std::string& id) const;

 private:
  struct Order {
    Job job;
    std::exception_ptr error;
    bool done = false;
    std::condition_variable finished;
  };
  using Sessions = std::map<std::string, SessionRecord>;

  void loop();
  bool write(const std::vector<Order*>& orders, const Sessions& sessions) noexcept;
  bool attempt(const Job& job, std::exception_ptr& error);
  void note(std::string failure);
  void require_same_file() const;
  void start_over();

  const std::filesystem::path file_;
  const DatabaseMeter meter_;
  Poco::Data::Session session_;
  std::unique_ptr<WriteStatements> statements_;
  std::uint64_t device_ = 0, inode_ = 0;  // of the file that is open

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Order*> orders_;  // owned by the callers that wait in run()
  Sessions later_, writing_;
  bool wanted_ = false;  // somebody wants `later_` to be written
  std::string failure_;
  EpochMs last_success_ = epoch_ms_now();
  bool stopping_ = false;
  bool busy_ = false;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace podium
