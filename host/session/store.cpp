#include "session/store.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>
#include <utility>

#include "session/database.hpp"
#include "session/state.hpp"

namespace podium {

namespace {

/// Between two attempts at a database that cannot be opened.
constexpr std::chrono::seconds kReopen{2};
/// Health tries a write when none has succeeded for so long.
constexpr EpochMs kProve = 10'000;

struct Field {
  const char* name;
  std::string_view value;
};

/// SQLite would keep a NUL, but Poco reads text only up to it: two names would become one.
void refuse_nul(std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    if (field.value.find('\0') != field.value.npos) {
      throw Failure(Code::kInvalidArgument,
                    std::string(field.name) + ": holds a NUL character, which no name or id may");
    }
  }
}

void check_record(const SessionRecord& session) {
  refuse_nul({{"session id", session.id},
              {"principal", session.principal},
              {"entity_id", session.entity},
              {"tenant", session.tenant}});
}

void check_record(const FileRecord& file, const std::string& session) {
  refuse_nul({{"file id", file.id},
              {"file name", file.name},
              {"blob", file.blob},
              {"sha256", file.sha256},
              {"tag", file.tag},
              {"origin", file.origin},
              {"kind", file.kind},
              {"resource_id", file.resource},
              {"version", file.version},
              {"modified_from", file.modified_from},
              {"modified_from_session", file.modified_from_session}});
  if (file.session != session) {
    throw Failure(Code::kInvalidArgument, "file " + file.id + ": belongs to session '" +
                                              file.session + "', expected '" + session + "'");
  }
}

std::filesystem::path prepared(std::filesystem::path file) {
  prepare_database_file(file);
  return file;
}

template <class Record>
std::optional<Record> first(std::vector<Record> rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

}  // namespace

Connections::Connections(const std::filesystem::path& file, DatabaseMeter meter)
    : readers(prepared(file), meter), writer(file, meter) {}

Connections& SessionStore::State::open() {
  if (Connections* open = ready.load(std::memory_order_acquire)) return *open;
  std::lock_guard lock(mutex);
  if (connections) return *connections;
  if (std::chrono::steady_clock::now() < next_try) throw Failure(Code::kUnavailable, failure);
  try {
    connections = std::make_unique<Connections>(file, meter);
  } catch (const Failure& why) {
    failure = why.what();
    // From now: a locked file has been waited for.
    next_try = std::chrono::steady_clock::now() + kReopen;
    throw;
  }
  ready.store(connections.get(), std::memory_order_release);
  return *connections;
}

SessionStore::SessionStore(const std::filesystem::path& file, Broken broken, DatabaseMeter meter)
    : state_(std::make_unique<State>(std::filesystem::absolute(file), meter)) {
  try {
    state_->open();
  } catch (const Failure&) {
    if (broken == Broken::kThrow) throw;
  }
}

SessionStore::~SessionStore() = default;

Connections& SessionStore::connections() { return state_->open(); }

std::optional<SessionRecord> SessionStore::find_session(const std::string& id) {
  refuse_nul({{"session id", id}});
  // Asked first: what is written in between is then found in the database.
  std::optional<SessionRecord> waiting = connections().writer.waiting(id);
  auto found =
      first(connections().readers.with([&](Reader& reader) { return reader.find_session(id); }));
  if (!found) return waiting;
  if (waiting) found->used = std::max(found->used, waiting->used);
  return found;
}

std::vector<FileRecord> SessionStore::files(const std::string& session) {
  refuse_nul({{"session id", session}});
  return connections().readers.with([&](Reader& reader) { return reader.files(session); });
}

std::vector<FileRecord> SessionStore::current_files(const std::string& session) {
  refuse_nul({{"session id", session}});
  return connections().readers.with([&](Reader& reader) { return reader.current_files(session); });
}

std::optional<FileRecord> SessionStore::find_file(const std::string& id) {
  refuse_nul({{"file id", id}});
  return first(connections().readers.with([&](Reader& reader) { return reader.find_file(id); }));
}

std::optional<FileRecord> SessionStore::find_file_by_name(const std::string& session,
                                                          const std::string& name) {
  refuse_nul({{"session id", session}, {"file name", name}});
  return first(connections().readers.with(
      [&](Reader& reader) { return reader.find_file_by_name(session, name); }));
}

void SessionStore::commit(const SessionRecord& session, const std::vector<FileRecord>& files,
                          const std::vector<std::string>& gone) {
  check_record(session);
  for (const std::string& id : gone) refuse_nul({{"file id", id}});
  for (const FileRecord& file : files) check_record(file, session.id);

  connections().writer.run([&](WriteStatements& to) {
    to.keep(session);
    for (const std::string& id : gone) to.hide_file(id);
    for (const FileRecord& file : files) {
      to.add_file(file.id, file.session, file.name, file.blob, file.sha256,
                  static_cast<std::int64_t>(file.size), file.origin, file.kind, file.resource,
                  file.version, file.read_only ? 1 : 0, file.modified_from,
                  file.modified_from_session, file.created, file.tag);
    }
  });
}

void SessionStore::commit_later(SessionRecord session) {
  note(std::move(session));
  write_noted();
}

void SessionStore::note(SessionRecord session) {
  check_record(session);
  // Called where nothing may block: while the database is not open there is nothing to wait for.
  if (Connections* open = state_->ready.load(std::memory_order_acquire)) {
    open->writer.keep_later(std::move(session));
  }
}

void SessionStore::write_noted() {
  if (Connections* open = state_->ready.load(std::memory_order_acquire)) open->writer.write_later();
}

std::optional<std::string> SessionStore::remove_file(const std::string& id) {
  refuse_nul({{"file id", id}});
  std::optional<std::string> blob;
  connections().writer.run([&](WriteStatements& to) {
    blob = first(to.blob_of_file(id));
    if (blob) to.remove_file(id);
  });
  return blob;
}

std::vector<std::string> SessionStore::remove_expired(
    EpochMs before, unsigned limit, const std::function<bool(const std::string&)>& in_use) {
  std::set<std::string> blobs;
  connections().writer.run([&](WriteStatements& to) {
    SessionRecord last;  // all that is older has been looked at
    last.used = INT64_MIN;
    for (unsigned removed = 0; removed < limit;) {
      const auto page = to.unused_sessions(before, last.used, last.id, limit);
      if (page.empty()) return;
      for (const SessionRecord& session : page) {
        if (removed == limit) return;
        if (in_use(session.id)) continue;
        for (std::string& blob : to.blobs_of_session(session.id)) blobs.insert(std::move(blob));
        to.remove_session(session.id);
        ++removed;
      }
      last = page.back();
    }
  });
  return {blobs.begin(), blobs.end()};
}

bool SessionStore::blob_is_used(const std::string& key) {
  refuse_nul({{"blob", key}});
  const auto used =
      connections().readers.with([&](Reader& reader) { return reader.blob_is_used(key); });
  return used.at(0) != 0;
}

EpochMs SessionStore::created() {
  return connections().readers.with([](Reader& reader) { return reader.database_created(); }).at(0);
}

Backup SessionStore::back_up() {
  connections();
  std::lock_guard one_at_a_time(state_->backup_mutex);
  return back_up_database(state_->file, state_->file.parent_path() / "backup");
}

void SessionStore::check() {
  Connections& open = connections();
  open.readers.with([](Reader& reader) { return reader.count_one(); });
  const std::string failure = open.writer.failure();
  if (failure.empty() && epoch_ms_now() - open.writer.last_success() < kProve) return;
  // Whoever holds the lock makes every write wait for seconds: a check does not queue behind them.
  // What is under way proves as much as a write of its own would.
  if (open.writer.busy()) {
    if (failure.empty()) return;
    throw Failure(Code::kUnavailable, failure);
  }
  open.writer.run([](WriteStatements& to) {
    // To another value, back and forth between two neighbours: SQLite writes nothing for the same.
    to.session << "UPDATE origin SET created = created + 1 - 2 * (created & 1)",
        Poco::Data::Keywords::now;
  });
}

std::string SessionStore::trouble() const {
  if (Connections* open = state_->ready.load(std::memory_order_acquire)) {
    return open->writer.failure();
  }
  std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace podium
