#include "tidy_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace podium::sandbox {
namespace {

/// As getdents64(2) fills it.
struct Entry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

int open_beneath(int directory, const char* name, std::uint64_t flags) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof how));
}

/// chmod of exactly the object behind an O_PATH descriptor.
void add_mode(int path_fd, mode_t mode, mode_t missing) noexcept {
  char link[40];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
  ::chmod(link, (mode & 07777) | missing);
}

constexpr int kMaxDepth = 64;

void walk(int directory, int depth, TreeFacts& facts) noexcept;

void visit(int directory, const char* name, int depth, TreeFacts& facts) noexcept {
  const int fd = open_beneath(directory, name, O_PATH);
  if (fd < 0) return;
  struct stat info {};
  if (::fstat(fd, &info) == 0) {
    if (S_ISREG(info.st_mode)) {
      facts.largest = std::max(facts.largest, static_cast<std::uint64_t>(info.st_size));
    }
    if (S_ISREG(info.st_mode) && (info.st_mode & 0444) != 0444) add_mode(fd, info.st_mode, 0444);
    if (S_ISDIR(info.st_mode)) {
      if ((info.st_mode & 0555) != 0555) add_mode(fd, info.st_mode, 0555);
      const int below = open_beneath(directory, name, O_RDONLY | O_DIRECTORY);
      if (below >= 0) {
        if (depth < kMaxDepth) walk(below, depth + 1, facts);
        ::close(below);
      }
    }
  }
  ::close(fd);
}

/// Calls `visit` with the name of each entry until it says false. False when not all were seen.
template <class Visit>
bool each_entry(int directory, Visit&& visit) noexcept {
  alignas(Entry) char buffer[2048];
  bool all = ::lseek(directory, 0, SEEK_SET) == 0;
  while (all) {
    const long n = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    all = n >= 0;
    if (n <= 0) break;
    for (long at = 0; all && at < n;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->length;
      if (std::strcmp(entry->name, ".") == 0 || std::strcmp(entry->name, "..") == 0) continue;
      all = visit(entry->name);
    }
  }
  ::lseek(directory, 0, SEEK_SET);
  return all;
}

void walk(int directory, int depth, TreeFacts& facts) noexcept {
  each_entry(directory, [&](const char* name) {
    facts.any = true;
    visit(directory, name, depth, facts);
    return true;
  });
}

}  // namespace

void make_enterable(int directory) noexcept {
  struct stat info {};
  if (::fstat(directory, &info) != 0 || (info.st_mode & 0555) == 0555) return;
  ::fchmod(directory, (info.st_mode & 07777) | 0555);
}

bool is_empty(int directory) noexcept {
  return each_entry(directory, [](const char*) { return false; });
}

TreeFacts make_readable(int directory) noexcept {
  TreeFacts facts;
  make_enterable(directory);
  walk(directory, 0, facts);
  return facts;
}

}  // namespace podium::sandbox
