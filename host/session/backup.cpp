#include "session/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/fd.hpp"
#include "session/database.hpp"

namespace podium {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& doing, const fs::path& path) {
  throw Failure(Code::kUnavailable, doing + " " + path.native() + " for a backup: " +
                                        std::generic_category().message(errno));
}

void make_durable(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) fail("writing", path);
}

}  // namespace

Backup back_up_database(const fs::path& file, const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail("making", folder);
  const fs::path whole = folder / file.filename();
  const fs::path part = whole.native() + ".part";
  if (::unlink(part.c_str()) != 0 && errno != ENOENT) fail("removing", part);
  try {
    Poco::Data::Session session = open_database(file);
    std::string target = part.native();
    session << "VACUUM INTO ?", Poco::Data::Keywords::use(target), Poco::Data::Keywords::now;
    // SQLite leaves it to the caller to make such a copy durable.
    if (::chmod(part.c_str(), 0600) != 0) fail("taking from other accounts", part);
    make_durable(part);
  } catch (const Poco::Exception& error) {
    ::unlink(part.c_str());
    throw Failure(Code::kUnavailable, "backup to " + whole.native() + ": " + error.displayText());
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  if (::rename(part.c_str(), whole.c_str()) != 0) fail("naming", whole);
  make_durable(folder);
  return {whole, static_cast<Bytes>(fs::file_size(whole))};
}

}  // namespace podium
