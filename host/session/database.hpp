#pragma once
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>

#include <filesystem>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/failure.hpp"

namespace podium {

/// What SQLite said, as a failure of ours: kConflict for a violated constraint, otherwise
/// kUnavailable, since a locked, full or corrupt database is no fault of the request.
Failure database_failure(const Poco::Exception& error, const std::filesystem::path& file);

/// Makes sure that `file` may be opened as a database: that it is empty, or an SQLite file by its
/// first bytes, because Poco's SQLite hangs on anything else. Makes it when it is missing; its mode
/// is 0600. Throws Failure(kUnavailable) that names the file. Not while the process has it open as
/// a database: to close a file ends all locks of the process on it (fcntl(2)).
void prepare_database_file(const std::filesystem::path& file);

/// A new connection: WAL, synchronous=FULL, foreign keys, waiting at most 5 s for a lock. Any
/// number of them in this process, none in others (decision 40). One thread at a time. Throws
/// Failure(kUnavailable).
Poco::Data::Session open_database(const std::filesystem::path& file);

/// Brings the schema to the newest version, in one transaction. Throws Failure.
void migrate_database(Poco::Data::Session& session, const std::filesystem::path& file);

/// A statement that is compiled once and run many times. Row is the type of its rows, or void for
/// a statement without. After an exception it must not be run again: make a new one.
template <class Row, class... Parameters>
class Prepared {
 public:
  Prepared(Poco::Data::Session& session, const std::string& sql) : statement_(session) {
    statement_ << sql;
    std::apply(
        [this](auto&... parameter) {
          (statement_.addBind(Poco::Data::Keywords::use(parameter)), ...);
        },
        parameters_);
    if constexpr (!std::is_void_v<Row>) {
      statement_.addExtract(Poco::Data::Keywords::into(rows_));
    }
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  /// The rows; for a statement without, how many rows it changed.
  auto operator()(const Parameters&... values) {
    parameters_ = std::tie(values...);
    if constexpr (std::is_void_v<Row>) {
      return statement_.execute();
    } else {
      rows_.clear();
      statement_.execute();
      return std::exchange(rows_, {});
    }
  }

 private:
  struct NoRows {};
  std::tuple<Parameters...> parameters_;
  std::conditional_t<std::is_void_v<Row>, NoRows, std::vector<Row>> rows_;
  Poco::Data::Statement statement_;
};

}  // namespace podium
