#pragma once
#include <filesystem>

#include "config/config.hpp"

namespace podium {

/// A copy of a database.
struct Backup {
  std::filesystem::path file;
  Bytes size = 0;
};

/// Writes a whole and compact copy of the open database `file` to `folder`, under the same name, in
/// place of the one before; mode 0600, on disk when it returns. Writers go on meanwhile. One call
/// at a time for a folder. Throws Failure(kUnavailable) and then leaves the copy before as it is.
Backup back_up_database(const std::filesystem::path& file, const std::filesystem::path& folder);

}  // namespace podium
