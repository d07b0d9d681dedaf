#include "daemon/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/failure.hpp"

namespace podium {
namespace {

std::string reason() { return std::strerror(errno); }

void make_private(const std::filesystem::path& directory, const Account& account) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    throw Failure(Code::kUnavailable, "cannot make " + directory.string() + ": " + reason() +
                                          "; choose another \"state_dir\" or make it by hand");
  }
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw Failure(Code::kUnavailable, directory.string() + " is not a directory");
  }
  if (::geteuid() == 0 && info.st_uid == 0 && account.uid != 0 &&
      ::chown(directory.c_str(), account.uid, account.gid) != 0) {
    throw Failure(Code::kUnavailable,
                  "cannot give " + directory.string() + " to " + account.name + ": " + reason());
  }
  if (info.st_uid != 0 && info.st_uid != account.uid) {
    throw Failure(Code::kUnavailable, directory.string() + " belongs to user " +
                                          std::to_string(info.st_uid) + ", expected " +
                                          account.name + "; run: chown -R " + account.name + " " +
                                          directory.string());
  }
  if ((info.st_mode & 0077) != 0 && ::chmod(directory.c_str(), 0700) != 0) {
    throw Failure(Code::kUnavailable,
                  "cannot make " + directory.string() + " private: " + reason());
  }
}

}  // namespace

Account find_account(const Config& config) {
  if (::geteuid() != 0) {
    const passwd* own = ::getpwuid(::geteuid());
    return {::geteuid(), ::getegid(), own != nullptr ? own->pw_name : std::to_string(::geteuid())};
  }
  const passwd* entry = ::getpwnam(config.user.c_str());
  if (entry == nullptr) {
    throw Failure(Code::kInvalidArgument,
                  "there is no account '" + config.user +
                      "' to run as; make it with: adduser --system --group --no-create-home " +
                      config.user + " (or set \"user\" in the config)");
  }
  return {entry->pw_uid, entry->pw_gid, entry->pw_name};
}

void prepare_state_dir(const Config& config, const Account& account) {
  std::error_code ignored;
  std::filesystem::create_directories(config.state_dir.parent_path(), ignored);
  make_private(config.state_dir, account);
  make_private(config.state_dir / "runs", account);
}

void drop_privileges(const Account& account) {
  if (::geteuid() == 0 && account.uid != 0) {
    if (::initgroups(account.name.c_str(), account.gid) != 0 ||
        ::setresgid(account.gid, account.gid, account.gid) != 0 ||
        ::setresuid(account.uid, account.uid, account.uid) != 0) {
      throw Failure(Code::kInternal, "cannot become " + account.name + ": " + reason());
    }
    if (::setuid(0) == 0) throw Failure(Code::kInternal, "root came back after the drop");
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void raise_descriptor_limit(std::uint64_t wanted) noexcept {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlim_t most = limit.rlim_max;
  if (::geteuid() == 0) {
    // More than the kernel gives is refused as a whole, also to root.
    std::ifstream("/proc/sys/fs/nr_open") >> most;
    limit.rlim_max = std::max(limit.rlim_max, std::min<rlim_t>(wanted, most));
  }
  limit.rlim_cur = std::min(std::max<rlim_t>(limit.rlim_cur, wanted), limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace podium
