#pragma once
/// An interpreter that is executed in its sandbox ahead of the run, for those that cannot be forked
/// with their threads (V8).
///
/// The runtime describes it once, in a sealed memfd: PayloadWriter's strings `name` and `script`,
/// then the lists `command` and `environment`. pid 1 places the script as kAheadFolder/name; the
/// process that waits confines itself, takes its streams, enters the workspace and executes the
/// command with the step socket as descriptor kAheadStep. The script says Step::kWaiting there,
/// waits for Step::kComing, and reads Go with its payload, the next packet: one that is killed
/// while it waits for the first has not taken the second, and its pid 1 learns that. Then it is a
/// pod: who may say what stands in step_rules.hpp. pid 1 sets its resource limits from outside.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <string_view>

#include "payload.hpp"

namespace podium::sandbox {

inline constexpr int kAheadStep = 3;
inline constexpr char kAheadFolder[] = "/mnt/.ahead";

/// What it says, read where it is used. Its memory lasts as long as the process.
class AheadPayload {
 public:
  explicit AheadPayload(int fd) noexcept : reader_(mapped(fd)) {
    name = reader_.string();
    script = reader_.string();
  }

  /// False when it was cut or not there.
  bool ok() const noexcept { return reader_.ok() && !name.empty(); }

  /// Reads on: the lists, for execve. They allocate, which pid 1 does not do. False: malformed.
  bool read_lists() noexcept {
    command = reader_.list();
    environment = reader_.list();
    return ok() && command != nullptr && command[0] != nullptr && environment != nullptr;
  }

  std::string_view name, script;
  char** command = nullptr;
  char** environment = nullptr;

 private:
  static std::string_view mapped(int fd) noexcept {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || info.st_size <= 0) return {};
    const auto size = static_cast<std::size_t>(info.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return {};
    return {static_cast<const char*>(data), size};
  }

  PayloadReader reader_;
};

}  // namespace podium::sandbox
