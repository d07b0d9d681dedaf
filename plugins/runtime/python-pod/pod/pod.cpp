#include "pod.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "payload.hpp"

namespace podium::pod {

using namespace podium::sandbox;

namespace {

/// What tells the end of the program, at the end of this process and of no child of it.
struct Ending {
  pid_t process = 0;
  int step = -1;
  ino_t socket = 0;  ///< a program may have closed it and opened something else under its number
};
Ending ending;

ino_t inode_of(int fd) noexcept {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

/// Long enough for pid 1 to kill this process; one that does not is not ours.
constexpr int kKilledByNowMs = 1000;

/// Runs at exit(3). The answer goes out here; that the process takes long to die after it, and what
/// the zygote's libraries would still do, concerns nobody. It sleeps until pid 1 kills it: the
/// kernel wakes pid 1 on this very processor, where it would wait for milliseconds behind the end
/// of a big process.
void tell_end(int status, void*) noexcept {
  if (::getpid() != ending.process || ending.socket == 0 ||
      inode_of(ending.step) != ending.socket) {
    return;
  }
  std::fflush(nullptr);
  send_struct(ending.step, StepMessage{Step::kDone, status & 0xff});
  pollfd until_hang_up{ending.step, 0, 0};
  ::poll(&until_hang_up, 1, kKilledByNowMs);
  ::_exit(status);
}

/// A number that no program closes or guesses by habit, and above any limit of open files.
int hide_descriptor(int fd) noexcept {
  std::uint16_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = 0;
  const int hidden = ::fcntl(fd, F_DUPFD_CLOEXEC, 260 + random % 700);
  return hidden >= 0 ? hidden : fd;
}

template <class Resource>
void set(Resource which, std::uint64_t value) noexcept {
  const rlimit limit{value, value};
  ::setrlimit(which, &limit);
}

/// Those that are the same for every run: set before it comes.
void set_fixed_limits() noexcept {
  set(RLIMIT_CORE, 1);  // as in a job: 0 would not keep a core_pattern that is a pipe from it
  set(RLIMIT_MEMLOCK, 64 * 1024);
  set(RLIMIT_MSGQUEUE, 64 * 1024);
  set(RLIMIT_SIGPENDING, 4096);
}

void set_limits(const Go& go) noexcept {
  set(RLIMIT_FSIZE, go.file_bytes);
  set(RLIMIT_NOFILE, go.open_files);
  if (go.data_bytes != 0) set(RLIMIT_DATA, go.data_bytes);
  if (go.processes != 0) set(RLIMIT_NPROC, go.processes);
}

/// Also to be read: the interpreter gets this descriptor, which saves it the way to the file.
int open_source(const char* path) noexcept {
  return ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
}

/// False with errno.
bool write_source(std::string_view name, std::string_view code, Work& work) noexcept {
  char* path = nullptr;
  if (::asprintf(&path, "%s/%.*s", kCode, static_cast<int>(name.size()), name.data()) < 0) {
    return false;
  }
  work.source = path;
  if (std::strcmp(path, kZygoteScript) != 0) {
    ::close(std::exchange(work.source_file, -1));
    ::unlink(kZygoteScript);
  }
  if (work.source_file < 0) work.source_file = open_source(path);
  if (work.source_file < 0) return false;
  while (!code.empty()) {
    const ssize_t n = ::write(work.source_file, code.data(), code.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    code.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::lseek(work.source_file, 0, SEEK_SET) == 0;
}

/// The run cannot begin; user code has not, so this is ours to say, where a program would.
[[noreturn]] void refuse(const char* what) noexcept {
  std::fprintf(stderr, "podium: %s: %s\n", what, std::strerror(errno));
  ::_exit(127);
}

}  // namespace

void Pod::fail(int error) noexcept {
  send_struct(step_, StepMessage{Step::kExecFailed, error});
  ::_exit(127);
}

void Pod::enter(const Order& order, const SeccompProgram& seccomp) noexcept {
  step_ = order.step();
  StepMessage prepared{};
  Packet packet;
  if (packet.receive(step_, {reinterpret_cast<char*>(&prepared), sizeof prepared}) !=
          sizeof prepared ||
      prepared.step != Step::kPrepared) {
    ::_exit(0);  // pid 1 is gone
  }
  // Without root each sandbox has a user namespace of its own, in which its processes are counted.
  const int user = ::geteuid() != 0 ? CLONE_NEWUSER : 0;
  if (::setns(order.shell(), user | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) !=
      0) {
    fail(errno);
  }
  ::setsid();
  // The first to die when memory is short, before any process of the host.
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0 || ::write(score, "1000", 4) != 4) fail(errno);
  ::close(score);
  CgroupFiles cgroup;
  cgroup.tasks = order.tasks();
  const char* step = "";
  if (const int error = confine(cgroup, false, order.uid(), seccomp, &step)) fail(error);

  set_fixed_limits();
  step_ = hide_descriptor(step_);
  // Those of the order are all above 5: the zygote's own lie below.
  if (::dup2(order.input(), 0) < 0 || ::dup2(order.output(), 1) < 0 ||
      ::dup2(order.error(), 2) < 0) {
    fail(errno);
  }
  ::close_range(3, static_cast<unsigned>(step_) - 1, 0);
  ::close_range(static_cast<unsigned>(step_) + 1, ~0u, 0);
  // As after an execve: what /proc/self holds belongs to the user again.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  ending = {::getpid(), step_, inode_of(step_)};
  if (::on_exit(tell_end, nullptr) != 0) fail(ENOMEM);
}

std::string_view Pod::receive(Go& go) noexcept {
  static char buffer[sizeof(Go) + kInlinePayload + 64];
  Packet packet;
  const ssize_t n = packet.wait_and_receive(step_, buffer);
  if (n < static_cast<ssize_t>(sizeof go)) ::_exit(0);  // pid 1 is gone, and so are we
  std::memcpy(&go, buffer, sizeof go);
  if (go.payload_is_descriptor == 0) {
    return {buffer + sizeof go, static_cast<std::size_t>(n) - sizeof go};
  }
  void* data = ::mmap(nullptr, go.payload_bytes, PROT_READ, MAP_PRIVATE, packet.descriptor(0), 0);
  if (data == MAP_FAILED) refuse("mapping the program");
  return {static_cast<const char*>(data), go.payload_bytes};
}

void make_ready(Work& work) noexcept {
  work.source_file = open_source(kZygoteScript);
  if (::chdir(kWorkspace) != 0) refuse(kWorkspace);
}

void unpack(std::string_view payload, Work& work) noexcept {
  PayloadReader reader(payload);
  const std::string_view name = reader.string(), code = reader.string();
  std::free(reader.list());  // nothing is compiled: it is empty
  work.command = reader.list();
  work.environment = reader.list();
  errno = EBADMSG;
  if (!reader.ok() || work.command == nullptr || work.command[0] == nullptr ||
      work.command[1] == nullptr || work.environment == nullptr) {
    refuse("reading the run");
  }
  if (!write_source(name, code, work)) {
    if (errno == ENOSPC || errno == EFBIG) {
      send_struct(ending.step, StepMessage{Step::kExecFailed, errno});
      ::_exit(127);
    }
    refuse("writing the program's file");
  }
  environ = work.environment;
}

void Pod::wait(Work& work) noexcept {
  make_ready(work);
  send_struct(step_, StepMessage{Step::kWaiting, ::getpid()});
  Go go{};
  const std::string_view payload = receive(go);
  work.inputs = go.has_inputs != 0;
  // They have been mounted over what was entered.
  if (work.inputs && ::chdir(kWorkspace) != 0) refuse(kWorkspace);
  unpack(payload, work);
  set_limits(go);
}

}  // namespace podium::pod
