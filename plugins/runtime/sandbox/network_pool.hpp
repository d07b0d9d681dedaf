#pragma once
#include <vector>

namespace podium::sandbox {

/// Network namespaces with nothing but their own loopback. One is kept for the next sandbox when
/// the processes of the last are dead and never sent a packet in it: without the right to change
/// it they could only leave sockets in TIME_WAIT, counters and cached metrics behind, and all of
/// these come with packets. Single-threaded.
class NetworkPool {
 public:
  /// `proc`: a descriptor of the host's /proc.
  explicit NetworkPool(int proc) : proc_(proc) {}

  /// Enters a spare or a new one; the caller's children are born there. Returns its descriptor,
  /// -1 with errno.
  int enter();

  /// Takes back what enter returned; -1 is ignored. The caller's own namespace may be another
  /// one afterwards.
  void give_back(int fd);

 private:
  bool unused(int fd) const;

  int proc_;
  std::vector<int> spare_;
};

}  // namespace podium::sandbox
