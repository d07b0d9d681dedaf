#include "cpu_meter.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace podium::sandbox {

void CpuMeter::watch(pid_t pod) noexcept {
  pod_ = pod;
  if (::clock_getcpuclockid(pod, &clock_) != 0) clock_ = 0;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pod);
  stat_ = ::open(path, O_RDONLY | O_CLOEXEC);
}

/// What the pod's own process has used since its fork; 0 when it is reaped.
std::int64_t CpuMeter::pod_us() const noexcept {
  timespec t{};
  if (clock_ == 0 || pod_ <= 0 || ::clock_gettime(clock_, &t) != 0) return 0;
  return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

/// What children of the pod's process have used that it has waited for, in the coarse units of
/// proc_pid_stat(5); 0 when it is reaped.
std::int64_t CpuMeter::pod_children_us() const noexcept {
  char text[512];
  const ssize_t n = pod_ > 0 ? ::pread(stat_, text, sizeof text - 1, 0) : 0;
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* at = std::strrchr(text, ')');  // the end of the 2nd field
  for (int field = 3; at != nullptr && field <= 16; ++field) at = std::strchr(at + 1, ' ');
  if (at == nullptr) return 0;
  char* end = nullptr;
  const long user = std::strtol(at, &end, 10);  // the 16th and 17th field
  const long kernel = std::strtol(end, nullptr, 10);
  return (user + kernel) * (1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::int64_t CpuMeter::all_us() const noexcept {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  return (std::int64_t{used.ru_utime.tv_sec} + used.ru_stime.tv_sec) * 1'000'000 +
         used.ru_utime.tv_usec + used.ru_stime.tv_usec + pod_us() + pod_children_us();
}

}  // namespace podium::sandbox
