#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "cli/check.hpp"
#include "cli/exec.hpp"
#include "cli/languages.hpp"
#include "config/descriptors.hpp"
#include "config/usable.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

constexpr double kMiB = 1024.0 * 1024;

}  // namespace

Check check_account(const std::string& user) {
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return {"account", Verdict::kBad, "there is no account '" + user + "' to run as",
            "adduser --system --group --no-create-home " + user};
  }
  if (entry->pw_uid == 0) {
    return {"account", Verdict::kWeak, "'" + user + "' is root: plugins run with all its rights",
            "an account of its own, named by \"user\" in the configuration"};
  }
  return {"account", Verdict::kGood, user + " (user " + std::to_string(entry->pw_uid) + ")", ""};
}

Check check_state_dir(const fs::path& state_dir, const std::string& user) {
  struct stat info {};
  if (::stat(state_dir.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      return {"state_dir", Verdict::kGood, state_dir.string() + " will be made at the first start",
              ""};
    }
    return {"state_dir", Verdict::kBad, state_dir.string() + ": " + std::strerror(errno),
            "make it reachable, or name another \"state_dir\" in the configuration"};
  }
  if (!S_ISDIR(info.st_mode)) {
    return {"state_dir", Verdict::kBad, state_dir.string() + " is no directory",
            "move it away, or name another \"state_dir\""};
  }
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry != nullptr && info.st_uid != entry->pw_uid && info.st_uid != 0) {
    return {
        "state_dir", Verdict::kBad,
        state_dir.string() + " belongs to user " + std::to_string(info.st_uid) + ", not to " + user,
        "chown -R " + user + " " + state_dir.string()};
  }
  if ((info.st_mode & 0077) != 0) {
    return {"state_dir", Verdict::kWeak, state_dir.string() + " is open to other users",
            "chmod 0700 " + state_dir.string()};
  }
  return {"state_dir", Verdict::kGood, state_dir.string(), ""};
}

Check check_disk(const fs::path& directory) {
  fs::path there = directory;
  struct statvfs space {};
  while (::statvfs(there.c_str(), &space) != 0) {
    if (!there.has_relative_path()) {
      return {"disk", Verdict::kBad, directory.string() + ": " + std::strerror(errno),
              "name another \"state_dir\", on a disk that can be reached"};
    }
    there = there.parent_path();
  }
  const double free = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
  std::string found = readable_size(free) + " free below " + there.string();
  const char* remedy = "free space, or put \"state_dir\" on another disk";
  if (free < 100 * kMiB) return {"disk", Verdict::kBad, std::move(found), remedy};
  if (free < 1024 * kMiB) return {"disk", Verdict::kWeak, std::move(found), remedy};
  // Some file systems make inodes as they need them, and say 0 of 0.
  if (space.f_files > 0 && space.f_favail < 10'000) {
    return {"disk", Verdict::kWeak,
            found + ", but few inodes (" + std::to_string(space.f_favail) + ")", remedy};
  }
  return {"disk", Verdict::kGood, std::move(found), ""};
}

Check check_clock(std::time_t now, bool synchronised) {
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  if (utc.tm_year + 1900 < 2024) {
    return {"clock", Verdict::kBad, std::string(text.data()) + " lies in the past",
            "set the clock: sessions expire by it"};
  }
  if (!synchronised) {
    return {"clock", Verdict::kWeak, std::string(text.data()) + ", kept in step by nobody",
            "a time service, e.g. apt-get install systemd-timesyncd; on a virtual machine the host "
            "may do it unseen"};
  }
  return {"clock", Verdict::kGood, std::string(text.data()) + ", synchronised", ""};
}

Check check_clock() {
  timex state{};
  const bool synchronised = ::adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return check_clock(std::time(nullptr), synchronised);
}

Check check_descriptors(std::uint64_t connections, std::uint64_t most, bool root) {
  const std::uint64_t wanted = descriptors_wanted(connections);
  std::string found = "up to " + std::to_string(most) + " open files";
  // Root raises the limit by itself.
  if (most >= wanted || root) {
    return {"descriptors", Verdict::kGood, std::move(found), ""};
  }
  return {"descriptors", Verdict::kWeak, found + ", wanted " + std::to_string(wanted),
          "LimitNOFILE=" + std::to_string(wanted) + " in the service, or ulimit -n"};
}

std::vector<Check> check_packages(const Config& config, std::string_view dpkg_status) {
  std::vector<Check> checks;
  std::string absent;
  for (const LanguageConfig& language : config.languages) {
    std::string missing;
    for (const std::string& package : language.packages) {
      if (!is_installed(dpkg_status, package)) missing += " " + package;
    }
    const std::string name = "language " + language.name;
    const std::string why = why_unusable(language, config);
    if (!why.empty() && !missing.empty()) {
      absent += " " + language.name;  // nobody wants it here
    } else if (!why.empty()) {
      checks.push_back({name, Verdict::kWeak, why, "see podium languages"});
    } else if (missing.empty()) {
      const auto& first = language.compile.empty() ? language.command : language.compile;
      checks.push_back({name, Verdict::kGood, first.front(), ""});
    } else {
      checks.push_back(
          {name, Verdict::kWeak, "not installed:" + missing, "apt-get install" + missing});
    }
  }
  if (!absent.empty()) {
    checks.push_back({"languages", Verdict::kGood, "not installed:" + absent,
                      "podium languages names the packages"});
  }
  return checks;
}

}  // namespace podium::cli
