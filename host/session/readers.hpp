#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "obs/meters.hpp"
#include "session/database.hpp"
#include "session/rows.hpp"

namespace podium {

/// A connection that reads. One thread at a time.
struct Reader {
  explicit Reader(const std::filesystem::path& file);

  Poco::Data::Session session;
  Prepared<SessionRecord, std::string> find_session;                 ///< id
  Prepared<FileRecord, std::string> files;                           ///< session
  Prepared<FileRecord, std::string> current_files;                   ///< session
  Prepared<FileRecord, std::string> find_file;                       ///< id
  Prepared<FileRecord, std::string, std::string> find_file_by_name;  ///< session, name
  Prepared<std::int64_t, std::string> blob_is_used;                  ///< key
  Prepared<std::int64_t> count_one, database_created;
};

/// Readers for as many threads as ask; a few are kept for the next ones.
class Readers {
 public:
  explicit Readers(std::filesystem::path file, DatabaseMeter meter = {})
      : file_(std::move(file)), meter_(meter) {}

  /// What `read(Reader&)` returns. SQLite's errors become Failure(kUnavailable). Any thread.
  template <class Read>
  auto with(Read read) {
    const auto began = std::chrono::steady_clock::now();
    try {
      std::unique_ptr<Reader> reader = take();
      auto result = read(*reader);
      give_back(std::move(reader));  // not after an exception: its statements are spoilt then
      meter_.read(std::chrono::steady_clock::now() - began);
      return result;
    } catch (const Poco::Exception& error) {
      meter_.read_failed();
      throw database_failure(error, file_);
    } catch (const Failure&) {
      meter_.read_failed();  // it could not be opened
      throw;
    }
  }

 private:
  std::unique_ptr<Reader> take();
  void give_back(std::unique_ptr<Reader> reader);

  const std::filesystem::path file_;
  const DatabaseMeter meter_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace podium
