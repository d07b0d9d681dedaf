#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "confine.hpp"

namespace podium::sandbox {

SeccompProgram SeccompProgram::load(int fd) {
  SeccompProgram program;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size <= 0 || size % static_cast<off_t>(sizeof(sock_filter)) != 0) {
    throw std::runtime_error("the seccomp program is empty or cut");
  }
  program.code_.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (::pread(fd, program.code_.data(), static_cast<std::size_t>(size), 0) != size) {
    throw std::runtime_error("reading the seccomp program");
  }
  return program;
}

bool SeccompProgram::save(int fd) const {
  const std::size_t size = code_.size() * sizeof(sock_filter);
  return ::write(fd, code_.data(), size) == static_cast<ssize_t>(size);
}

int SeccompProgram::install() const noexcept {
  sock_fprog program{};
  program.len = static_cast<unsigned short>(code_.size());
  program.filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(code_.data()));
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

}  // namespace podium::sandbox
