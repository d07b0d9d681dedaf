#include "live_users.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace podium::sandbox {

/// By /proc/<pid>/status: the folder itself belongs to root when its process may not be dumped.
std::set<uid_t> users_with_processes(int proc) {
  std::set<uid_t> users;
  const int folder = ::openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = folder < 0 ? nullptr : ::fdopendir(folder);
  if (list == nullptr) return users;
  while (const dirent* entry = ::readdir(list)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const int fd =
        ::openat(proc, (std::string(entry->d_name) + "/status").c_str(), O_RDONLY | O_CLOEXEC);
    char text[2048];
    const ssize_t n = fd < 0 ? -1 : ::read(fd, text, sizeof text - 1);
    if (fd >= 0) ::close(fd);
    if (n <= 0) continue;
    text[n] = '\0';
    unsigned real = 0, effective = 0;
    const char* line = std::strstr(text, "\nUid:");
    if (line == nullptr || std::sscanf(line, "\nUid: %u %u", &real, &effective) != 2) continue;
    users.insert({real, effective});
  }
  ::closedir(list);
  return users;
}

}  // namespace podium::sandbox
