#include "session/readers.hpp"

#include <utility>

namespace podium {

namespace {

constexpr std::size_t kKept = 8;

std::string select_files(const std::string& rest) {
  return std::string("SELECT ") + kFileColumns +
         " FROM files f JOIN sessions s ON s.id = f.session " + rest;
}

}  // namespace

Reader::Reader(const std::filesystem::path& file)
    : session(open_database(file)),
      find_session(session,
                   std::string("SELECT ") + kSessionColumns + " FROM sessions WHERE id = ?"),
      files(session,
            select_files("WHERE f.session = ? AND f.gone = 0 ORDER BY f.created, f.number")),
      // The newest of a name is the first of those with that name, newest first.
      current_files(session,
                    select_files("WHERE f.session = ? AND f.number = (SELECT n.number FROM files n"
                                 " WHERE n.session = f.session AND n.name = f.name"
                                 " ORDER BY n.created DESC, n.number DESC LIMIT 1)"
                                 " AND f.gone = 0 ORDER BY f.name")),
      find_file(session, select_files("WHERE f.id = ?")),
      find_file_by_name(session, select_files("WHERE f.session = ? AND f.name = ? AND f.gone = 0"
                                              " ORDER BY f.created DESC, f.number DESC LIMIT 1")),
      blob_is_used(session, "SELECT EXISTS (SELECT 1 FROM files WHERE blob = ?)"),
      count_one(session, "SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT 1)"),
      database_created(session, "SELECT created FROM origin") {}

std::unique_ptr<Reader> Readers::take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return std::make_unique<Reader>(file_);
}

void Readers::give_back(std::unique_ptr<Reader> reader) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(reader));
}

}  // namespace podium
