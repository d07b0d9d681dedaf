#include "session/database.hpp"

#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/SessionImpl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "base/fd.hpp"

namespace podium {

namespace {

using namespace Poco::Data::Keywords;

constexpr std::size_t kLockWaitSeconds = 5;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

/// Statements of each version of the schema; PRAGMA user_version counts the applied ones.
constexpr std::array<std::string_view, 4> kMigrations = {R"(
CREATE TABLE principals (
  id TEXT PRIMARY KEY NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL,
  principal TEXT NOT NULL REFERENCES principals (id),
  entity TEXT NOT NULL,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_use ON sessions (used, id);

CREATE TABLE files (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  blob TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  resource TEXT NOT NULL,
  version TEXT NOT NULL,
  read_only INTEGER NOT NULL,
  modified_from TEXT NOT NULL,
  modified_from_session TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX files_by_session ON files (session, created);
CREATE INDEX files_by_name ON files (session, name, created);
CREATE INDEX files_by_blob ON files (blob);
)",
                                                         R"(
ALTER TABLE files ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
)",
                                                         R"(
ALTER TABLE sessions ADD COLUMN tenant TEXT NOT NULL DEFAULT '';

CREATE TABLE origin (created INTEGER NOT NULL) STRICT;
INSERT INTO origin SELECT coalesce(min(created), unixepoch() * 1000) FROM principals;

CREATE TABLE keys (
  id TEXT PRIMARY KEY NOT NULL,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  tenant TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  quota TEXT NOT NULL,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  principal TEXT NOT NULL,
  period TEXT NOT NULL,
  start INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  PRIMARY KEY (principal, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  principal TEXT NOT NULL,
  entry TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (time);
CREATE INDEX audit_by_principal ON audit (principal, time);
)",
                                                         R"(
ALTER TABLE files ADD COLUMN tag TEXT NOT NULL DEFAULT '';
)"};

Failure file_failure(const std::filesystem::path& file, const std::string& what) {
  return {Code::kUnavailable, "database " + file.native() + ": " + what};
}

Failure system_failure(const std::filesystem::path& file, const char* doing) {
  return file_failure(file, std::string(doing) + ": " + std::generic_category().message(errno));
}

/// The file as a URI that SQLite opens for this process alone. Others are told that it is locked,
/// and the index of the log, which is a mapped file otherwise, is in this process's memory: a file
/// system that fails or turns read-only while such a page is written ends the process by SIGBUS.
std::string exclusive_uri(const std::filesystem::path& file) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  const std::filesystem::path whole = std::filesystem::absolute(file);
  std::string uri = "file://";
  for (const char c : whole.native()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '_' || c == '.';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += digits[byte >> 4];
      uri += digits[byte & 15];
    }
  }
  return uri + "?vfs=unix-excl";
}

void run(Poco::Data::Session& session, std::string_view sql) { session << std::string(sql), now; }

/// Poco runs one statement at a time.
void run_script(Poco::Data::Session& session, std::string_view script) {
  while (true) {
    const auto begin = script.find_first_not_of(" \n");
    if (begin == script.npos) return;
    const auto end = std::min(script.find(';', begin), script.size() - 1);
    run(session, script.substr(begin, end - begin));
    script.remove_prefix(end + 1);
  }
}

}  // namespace

Failure database_failure(const Poco::Exception& error, const std::filesystem::path& file) {
  const bool conflict =
      dynamic_cast<const Poco::Data::SQLite::ConstraintViolationException*>(&error) != nullptr;
  Failure failure = file_failure(file, error.displayText());
  return conflict ? Failure(Code::kConflict, failure.what()) : failure;
}

void prepare_database_file(const std::filesystem::path& file) {
  const UniqueFd fd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
  if (!fd) throw system_failure(file, "opening it for writing");
  struct stat info;
  if (fstat(fd.get(), &info) != 0) throw system_failure(file, "reading its size");
  if (!S_ISREG(info.st_mode)) throw file_failure(file, "not a regular file");
  if ((info.st_mode & 0077) != 0 && fchmod(fd.get(), 0600) != 0) {
    throw system_failure(file, "taking it from other accounts (mode 0600)");
  }
  if (info.st_size == 0) return;

  std::array<char, kMagic.size()> head{};
  const ssize_t count = pread(fd.get(), head.data(), head.size(), 0);
  if (count < 0) throw system_failure(file, "reading it");
  if (std::string_view(head.data(), static_cast<std::size_t>(count)) != kMagic) {
    throw file_failure(file, "not an SQLite database; move it away to start with an empty one");
  }
}

Poco::Data::Session open_database(const std::filesystem::path& file) {
  try {
    // Poco takes its login timeout for SQLite's busy timeout.
    Poco::Data::Session session(
        new Poco::Data::SQLite::SessionImpl(exclusive_uri(file), kLockWaitSeconds));
    std::string mode;
    session << "PRAGMA journal_mode = WAL", into(mode), now;
    if (mode != "wal") throw file_failure(file, "journal mode is " + mode + ", expected wal");
    run(session, "PRAGMA synchronous = FULL");
    run(session, "PRAGMA foreign_keys = ON");
    run(session, "PRAGMA cache_size = -512");
    run(session, "PRAGMA journal_size_limit = 67108864");
    return session;
  } catch (const Poco::Exception& error) {
    throw database_failure(error, file);
  }
}

void migrate_database(Poco::Data::Session& session, const std::filesystem::path& file) {
  try {
    run(session, "BEGIN IMMEDIATE");
    std::size_t version = 0, tables = 0;
    session << "PRAGMA user_version", into(version), now;
    // Reads the whole schema, so that damage there shows now.
    session << "SELECT count(*) FROM sqlite_master", into(tables), now;
    if (version > kMigrations.size()) {
      throw file_failure(file, "version " + std::to_string(version) +
                                   " was made by a newer Podium; this one knows up to " +
                                   std::to_string(kMigrations.size()));
    }
    if (version == 0 && tables != 0) {
      throw file_failure(file, "the database of another program");
    }
    for (; version < kMigrations.size(); ++version) {
      run_script(session, kMigrations[version]);
      run(session, "PRAGMA user_version = " + std::to_string(version + 1));
    }
    run(session, "COMMIT");
  } catch (const Poco::Exception& error) {
    throw database_failure(error, file);
  }
}

}  // namespace podium
