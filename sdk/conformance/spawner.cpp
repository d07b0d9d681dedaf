#include "spawner.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podium/sdk/values.hpp>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "packet.hpp"
#include "protocol.hpp"

extern char** environ;

namespace podium::conform {

Spawner::Spawner(const std::filesystem::path& program) {
  if (::geteuid() != 0) {
    throw std::runtime_error("the sandbox spawner wants root; run podium-conform as root");
  }
  std::string pattern = (std::filesystem::temp_directory_path() / "podium-conform-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("no folder " + pattern + ": " + std::strerror(errno));
  }
  folder_ = pattern;
  ::chmod(folder_.c_str(), 0755);
  std::filesystem::create_directory(folder_ / "runs");
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) {
    throw std::runtime_error(std::string("socketpair: ") + std::strerror(errno));
  }
  ::fcntl(pair[0], F_SETFD, FD_CLOEXEC);
  const std::string control = "--control=" + std::to_string(pair[1]);
  const std::string runs = "--runs=" + (folder_ / "runs").string();
  std::string name = program.string();
  char* arguments[] = {name.data(), const_cast<char*>(control.c_str()),
                       const_cast<char*>(runs.c_str()), nullptr};
  const int error = ::posix_spawn(&pid_, name.c_str(), nullptr, nullptr, arguments, environ);
  ::close(pair[1]);
  control_ = pair[0];
  if (error != 0) throw std::runtime_error("starting " + name + ": " + std::strerror(error));
}

Spawner::~Spawner() {
  ::close(control_);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

int connect_spawner(int control) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    throw sdk::Error(PODIUM_UNAVAILABLE, std::string("socketpair: ") + std::strerror(errno));
  }
  const bool sent =
      sandbox::send_struct(control, sandbox::PlainAsk{sandbox::Ask::kConnect}, {&pair[1], 1});
  ::close(pair[1]);
  if (!sent) {
    ::close(pair[0]);
    throw sdk::Error(PODIUM_UNAVAILABLE, "the sandbox spawner has ended");
  }
  return pair[0];
}

}  // namespace podium::conform
