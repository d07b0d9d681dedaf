#include <pwd.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/check.hpp"
#include "cli/exec.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

constexpr const char* kRestore =
    "stop podiumd, move podium.db* away and restore a backup; docs/operations.md says how. Without "
    "one a new database is made, and blobs are kept";

std::uint32_t big_endian(const unsigned char* bytes, int count) {
  std::uint32_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

/// What is wrong with the file by its header; empty: nothing.
std::string fault_of(const fs::path& file, std::uint64_t size) {
  std::array<unsigned char, 100> header{};
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(header.data()), header.size());
  if (!in || std::memcmp(header.data(), "SQLite format 3", 16) != 0) {
    return "is no database of SQLite";
  }
  const std::uint32_t word = big_endian(header.data() + 16, 2);
  const std::uint64_t page = word == 1 ? 65'536 : word;
  const std::uint64_t pages = big_endian(header.data() + 28, 4);
  if (page < 512 || size % page != 0) return "is cut off within a page";
  if (size < pages * page) {
    return "is cut off: " + std::to_string(size / page) + " of " + std::to_string(pages) +
           " pages are there";
  }
  return {};
}

Check not_theirs(const char* name, const fs::path& path, uid_t owner, const std::string& user) {
  return {name, Verdict::kBad,
          path.string() + " belongs to user " + std::to_string(owner) + ", not to " + user,
          "chown -R " + user + " " + path.string()};
}

bool is_foreign(const struct stat& info, const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  return entry != nullptr && info.st_uid != entry->pw_uid;
}

}  // namespace

Check check_database(const fs::path& state_dir, const std::string& user) {
  const fs::path file = state_dir / "podium.db";
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      return {"database file", Verdict::kGood, "will be made at the first start", ""};
    }
    return {"database file", errno == EACCES ? Verdict::kWeak : Verdict::kBad,
            file.string() + ": " + std::strerror(errno),
            errno == EACCES ? "run podium doctor as root" : "make it reachable"};
  }
  if (is_foreign(info, user)) return not_theirs("database file", file, info.st_uid, user);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  // Just made, nothing written yet: all of it is in the log beside it.
  const std::string fault = size == 0 ? std::string() : fault_of(file, size);
  if (!fault.empty()) {
    return {"database file", Verdict::kBad, file.string() + " " + fault, kRestore};
  }
  return {"database file", Verdict::kGood,
          file.string() + ", " + readable_size(static_cast<double>(size)), ""};
}

Check check_store(const Config& config) {
  const PluginConfig* plugin = config.plugin(config.storage);
  if (plugin == nullptr || plugin->library != "storage/local") {
    return {"storage", Verdict::kGood,
            "'" + config.storage + "' is not on this machine; see its plugin below", ""};
  }
  const Json* root = plugin->options.find("root");
  const fs::path folder =
      config.resolve(root != nullptr && root->is_string() ? root->string() : "blobs");
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      return {"storage", Verdict::kGood, folder.string() + " will be made at the first start", ""};
    }
    return {"storage", errno == EACCES ? Verdict::kWeak : Verdict::kBad,
            folder.string() + ": " + std::strerror(errno),
            errno == EACCES ? "run podium doctor as root" : "make it reachable"};
  }
  if (!S_ISDIR(info.st_mode)) {
    return {"storage", Verdict::kBad, folder.string() + " is no folder",
            "move it away, or name another \"root\" in the options of '" + config.storage + "'"};
  }
  if (is_foreign(info, config.user)) return not_theirs("storage", folder, info.st_uid, config.user);
  struct stat runs {};
  if (::stat((config.state_dir / "runs").c_str(), &runs) == 0 && runs.st_dev != info.st_dev) {
    return {"storage", Verdict::kWeak,
            folder.string() + " is on another file system than " +
                (config.state_dir / "runs").string() + ": files are copied, not linked",
            "put both on one file system"};
  }
  Check disk = check_disk(folder);
  disk.name = "storage";
  return disk;
}

}  // namespace podium::cli
