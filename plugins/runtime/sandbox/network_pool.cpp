#include "network_pool.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "proc_text.hpp"

namespace podium::sandbox {
namespace {

constexpr std::size_t kSpareNetworks = 64;

void raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ::ioctl(fd, SIOCSIFFLAGS, &request);
  ::close(fd);
}

/// The number of proc_net_snmp(5) "Group: name name...\nGroup: number number..."; -1: not there.
long long counter_of(const std::string& text, const std::string& group, const std::string& name) {
  std::istringstream in(text);
  for (std::string heads, numbers; std::getline(in, heads);) {
    if (!heads.starts_with(group + ": ") || !std::getline(in, numbers)) continue;
    const auto names = words(heads), values = words(numbers);
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) {
      if (names[i] == name) return std::atoll(values[i].c_str());
    }
  }
  return -1;
}

/// The same of /proc/net/snmp6, which has a name and a number a line.
long long counter_of(const std::string& text, const std::string& name) {
  std::istringstream in(text);
  std::string found;
  for (long long value = 0; in >> found >> value;) {
    if (found == name) return value;
  }
  return -1;
}

}  // namespace

int NetworkPool::enter() {
  if (!spare_.empty()) {
    const int fd = spare_.back();
    spare_.pop_back();
    if (::setns(fd, CLONE_NEWNET) == 0) return fd;
    ::close(fd);
    return -1;
  }
  if (::unshare(CLONE_NEWNET) != 0) return -1;
  raise_loopback();
  return ::openat(proc_, "self/ns/net", O_RDONLY | O_CLOEXEC);
}

void NetworkPool::give_back(int fd) {
  if (fd < 0) return;
  if (spare_.size() < kSpareNetworks && unused(fd)) {
    spare_.push_back(fd);
  } else {
    ::close(fd);
  }
}

/// /proc/self/net is that of the namespace which the reader is in. A host without IPv6 has no
/// snmp6, and no packets of it either.
bool NetworkPool::unused(int fd) const {
  if (::setns(fd, CLONE_NEWNET) != 0) return false;
  if (counter_of(read_text("self/net/snmp", proc_), "Ip", "InReceives") != 0) return false;
  return counter_of(read_text("self/net/snmp6", proc_), "Ip6InReceives") <= 0;
}

}  // namespace podium::sandbox
