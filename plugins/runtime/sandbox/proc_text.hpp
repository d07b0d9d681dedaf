#pragma once
/// Reading what the kernel tells as text: files of proc(5) and cgroups(7), which say no size.

#include <fcntl.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace podium::sandbox {

/// The whole of a file, from `directory` when the path is relative; empty when it cannot be opened.
inline std::string read_text(const char* path, int directory = AT_FDCWD) {
  std::string text;
  const int fd = ::openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return text;
}

/// What stands between white space.
inline std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(std::move(word));
  return out;
}

}  // namespace podium::sandbox
