#include "hot_pages.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace podium::pod {
namespace {

constexpr std::size_t kPage = 4096;

/// Bits of an entry in proc_pid_pagemap(5).
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kFileOrShared = std::uint64_t{1} << 61;
constexpr std::uint64_t kExclusive = std::uint64_t{1} << 56;

enum class Page : char { kAbsent, kThere, kOwn };

Page page_of(std::uint64_t entry) {
  if ((entry & kPresent) == 0) return Page::kAbsent;
  return (entry & kExclusive) != 0 && (entry & kFileOrShared) == 0 ? Page::kOwn : Page::kThere;
}

/// A private mapping; its entries of the page map lie behind it.
struct Mapping {
  std::uintptr_t begin, end;
  bool writable;

  std::size_t pages() const { return (end - begin) / kPage; }
};

/// Bytes that come neither from malloc nor from a reused place: what looks at the memory must not
/// change it. Pages that nobody touches cost nothing.
class Arena {
 public:
  Arena()
      : bytes_(static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  bool ok() const { return bytes_ != MAP_FAILED; }
  char* begin() const { return bytes_; }
  char* end() const { return bytes_ + used_; }
  char* take(std::size_t size) {
    if (!ok() || size > kSize - used_) return nullptr;
    used_ += size;
    return bytes_ + used_ - size;
  }
  void give_back(std::size_t size) { used_ -= size; }

 private:
  static constexpr std::size_t kSize = std::size_t{1} << 28;
  char* bytes_;
  std::size_t used_ = 0;
};

bool read_entries(int pagemap, const Mapping& mapping, std::uint64_t* entries) {
  const std::size_t size = mapping.pages() * sizeof *entries;
  const auto offset = static_cast<off_t>(mapping.begin / kPage * sizeof *entries);
  return ::pread(pagemap, entries, size, offset) == static_cast<ssize_t>(size);
}

/// One line of proc_pid_maps(5), when it is a private mapping of memory or of a file.
bool parse_mapping(const char* line, Mapping& mapping) {
  char* at = nullptr;
  mapping.begin = std::strtoul(line, &at, 16);
  mapping.end = std::strtoul(at + 1, &at, 16);
  const char* const rights = at + 1;
  mapping.writable = rights[1] == 'w';
  // Up to the end of the line: newer kernels list [vdso] among the libraries, above most of them.
  const std::string_view rest(rights, std::strcspn(rights, "\n"));
  return rights[0] == 'r' && rights[3] == 'p' && rest.find("[v") == rest.npos;
}

/// All of /proc/self/maps, with a NUL behind.
const char* read_maps(Arena& arena) {
  constexpr std::size_t kMost = 1u << 20;
  const int fd = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  char* const text = arena.take(kMost);
  std::size_t size = 0;
  while (fd >= 0 && text != nullptr && size < kMost - 1) {
    const ssize_t n = ::read(fd, text + size, kMost - 1 - size);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (fd >= 0) ::close(fd);
  return text;  // the rest of the arena is zero
}

/// The state of every page of this process; nothing in it where the kernel does not show it.
void take_picture(Arena& scratch, Arena& picture) {
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const char* line = read_maps(scratch);
  for (; line != nullptr && *line != '\0'; ++line) {
    Mapping mapping{};
    if (parse_mapping(line, mapping)) {
      const std::size_t size = mapping.pages() * sizeof(std::uint64_t);
      char* const place = picture.take(sizeof mapping + size);
      if (place == nullptr) break;
      std::memcpy(place, &mapping, sizeof mapping);
      auto* entries = reinterpret_cast<std::uint64_t*>(place + sizeof mapping);
      if (!read_entries(pagemap, mapping, entries)) picture.give_back(sizeof mapping + size);
    }
    line = std::strchr(line, '\n');
    if (line == nullptr) break;
  }
  if (pagemap >= 0) ::close(pagemap);
}

bool write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

/// Tells which pages are more than they were in the picture.
template <class Tell>
bool compare(const Arena& picture, Arena& scratch, const Tell& tell) {
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  bool ok = true;
  for (const char* at = picture.begin(); ok && at < picture.end();) {
    Mapping mapping{};
    std::memcpy(&mapping, at, sizeof mapping);
    const auto* before = reinterpret_cast<const std::uint64_t*>(at + sizeof mapping);
    const std::size_t size = mapping.pages() * sizeof *before;
    auto* now = reinterpret_cast<std::uint64_t*>(scratch.take(size));
    ok = now != nullptr;
    const bool known = ok && read_entries(pagemap, mapping, now);
    for (std::size_t i = 0; ok && known && i < mapping.pages(); ++i) {
      const Page state = page_of(now[i]);
      if (state <= page_of(before[i])) continue;
      ok = tell(mapping.begin + i * kPage, mapping.writable && state == Page::kOwn);
    }
    at += sizeof mapping + size;
  }
  return ok;
}

}  // namespace

bool HotPages::learn(const std::function<void()>& before_fork,
                     const std::function<void(bool)>& after_fork,
                     const std::function<void()>& prepare, const std::function<void()>& run) {
  int result[2];
  if (::pipe2(result, O_CLOEXEC) != 0) return false;
  before_fork();
  const pid_t child = ::fork();
  after_fork(child == 0);
  if (child == 0) {
    prepare();
    Arena picture, scratch;
    if (picture.ok()) take_picture(scratch, picture);
    run();
    const bool ok = compare(picture, scratch, [&](std::uintptr_t begin, bool write) {
      const Range page{begin, kPage, write};
      return write_all(result[1], &page, sizeof page);
    });
    ::_exit(ok ? 0 : 1);
  }
  ::close(result[1]);
  ranges_.clear();
  for (Range page{}; child > 0 && ::read(result[0], &page, sizeof page) == sizeof page;) {
    const bool adjacent = !ranges_.empty() && ranges_.back().write == page.write &&
                          ranges_.back().begin + ranges_.back().size == page.begin;
    if (adjacent) {
      ranges_.back().size += kPage;
    } else {
      ranges_.push_back(page);
    }
  }
  ::close(result[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return false;
  errno = ECHILD;
  return status == 0;
}

void HotPages::populate() const noexcept {
  for (const Range& range : ranges_) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): numbers are what /proc tells.
    ::madvise(reinterpret_cast<void*>(range.begin), range.size,
              range.write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
  }
}

}  // namespace podium::pod
