// podium-spawner: the one part of Podium that keeps root. It makes sandboxes ahead of need and
// clears them away; it never sees a request, a byte of user code or of its output.
//
// Small and single-threaded, because every sandbox is a fork of it. Started by the supervisor of
// podiumd with the control socket; ends when that socket closes.

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "cgroup.hpp"
#include "confine.hpp"
#include "live_users.hpp"
#include "network_pool.hpp"
#include "packet.hpp"
#include "proc_text.hpp"
#include "protocol.hpp"
#include "root.hpp"
#include "shell.hpp"
#include "spawner_options.hpp"
#include "user_namespace.hpp"
#include "zygote_host.hpp"

namespace podium::sandbox {
namespace {

constexpr std::size_t kMaxShells = 4096;

/// What is weaker without root, for people; JSON.
constexpr char kWeaker[] =
    R"(["every sandbox runs as the account of podiumd, not as a user of its own",)"
    R"("pid 1 of a sandbox is the same user as its program, which can disturb it, and so its own run",)"
    R"("groups of the account are kept","memory is limited for each process, not for the whole run",)"
    R"("waiting sandboxes are not less urgent than those that work"])";

/// What the last sandboxes may take to die when the daemon is gone.
constexpr timespec kFarewellStep{0, 5'000'000};
constexpr int kFarewellSteps = 600;

struct Shell {
  int connection = -1;
  std::uint32_t id = 0;
  std::size_t slot = 0;
  int network = -1;
  int pidfd = -1;
};

class Spawner {
 public:
  Spawner(const SpawnerOptions& options, CgroupTree& cgroups, SeccompProgram seccomp, int proc)
      : options_(options),
        cgroups_(cgroups),
        seccomp_(std::move(seccomp)),
        networks_(proc),
        proc_(proc) {
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    children_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    find_free_slots();
  }

  /// Ends what is left when the daemon is gone, so that nobody has to sweep its groups.
  ~Spawner() {
    for (const auto& [pid, shell] : shells_) ::kill(pid, SIGKILL);
    for (const int connection : connections_) zygotes_.drop_connection(connection);
    for (int step = 0; step < kFarewellSteps && !(shells_.empty() && doomed_groups_.empty());
         ++step) {
      ::nanosleep(&kFarewellStep, nullptr);
      reap();
      std::erase_if(doomed_groups_, [&](const auto& name) { return cgroups_.remove(name); });
    }
  }
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Returns when the daemon is gone.
  void serve() {
    for (;;) {
      std::vector<pollfd> events{{options_.control, POLLIN, 0}, {children_, POLLIN, 0}};
      for (const int fd : connections_) events.push_back({fd, POLLIN, 0});
      // Groups whose last process is just dying are tried again a little later.
      const int timeout = doomed_groups_.empty() ? -1 : 50;
      if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) return;
      if (events[1].revents != 0) reap();
      std::erase_if(doomed_groups_, [&](const auto& name) { return cgroups_.remove(name); });
      for (const auto& event : events) {
        if (event.revents == 0 || event.fd == children_) continue;
        if (!answer(event.fd)) {
          if (event.fd == options_.control) return;
          drop_connection(event.fd);
        }
      }
    }
  }

 private:
  /// One message. False when the connection has ended or speaks nonsense.
  bool answer(int fd) {
    alignas(8) char buffer[1024];
    Packet packet;
    const ssize_t n = packet.receive(fd, buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return true;
    if (n < static_cast<ssize_t>(sizeof(PlainAsk))) return false;
    Ask ask{};
    std::memcpy(&ask, buffer, sizeof ask);
    switch (ask) {
      case Ask::kConnect:
        if (fd != options_.control || packet.count() != 1) return false;
        connections_.push_back(packet.take(0));
        return true;
      case Ask::kFacts:
        return send_packet(fd, facts());
      case Ask::kNewShell: {
        NewShell request;
        if (n != sizeof request) return false;
        std::memcpy(&request, buffer, sizeof request);
        if (packet.count() != (request.ahead != 0 ? 1u : 0u)) return false;
        return make_shell(fd, request, packet.descriptor(0));
      }
      case Ask::kKillShell: {
        KillShell request;
        if (n != sizeof request) return false;
        std::memcpy(&request, buffer, sizeof request);
        for (const auto& [pid, shell] : shells_) {
          if (shell.connection == fd && shell.id == request.id) ::kill(pid, SIGKILL);
        }
        return true;
      }
      case Ask::kNewZygote: {
        NewZygote request;
        if (n != sizeof request) return false;
        std::memcpy(&request, buffer, sizeof request);
        request.interpreter[sizeof request.interpreter - 1] = '\0';
        request.argument[sizeof request.argument - 1] = '\0';
        return packet.count() == 2 && make_zygote(fd, request, packet);
      }
      case Ask::kKillZygote: {
        KillZygote request;
        if (n != sizeof request) return false;
        std::memcpy(&request, buffer, sizeof request);
        zygotes_.kill(fd, request.id);
        return true;
      }
    }
    return false;
  }

  void drop_connection(int fd) {
    std::erase(connections_, fd);
    zygotes_.drop_connection(fd);
    // Its shells end by themselves: their control sockets close with the runtime's ends.
    for (auto& [pid, shell] : shells_) {
      if (shell.connection == fd) shell.connection = -1;
    }
    ::close(fd);
  }

  bool reply(int connection, std::uint32_t id, int error, const char* what, int descriptor = -1) {
    ShellMade made;
    made.id = id;
    made.error = error;
    std::snprintf(made.what, sizeof made.what, "%s", what);
    return send_struct(
        connection, made,
        descriptor >= 0 ? std::span<const int>(&descriptor, 1) : std::span<const int>());
  }

  bool make_zygote(int connection, const NewZygote& request, const Packet& packet) {
    int socket = -1;
    const char* step = "";
    const int error = zygotes_.start(connection, request, packet.descriptor(0),
                                     packet.descriptor(1), seccomp_, &socket, &step);
    const bool sent = reply(connection, request.id, error, step, socket);
    if (socket >= 0) ::close(socket);
    return sent;
  }

  struct Ends {
    std::array<int, 2> control{-1, -1}, step{-1, -1}, input{-1, -1}, output{-1, -1}, error{-1, -1};
    ~Ends() {
      for (const auto* pair : {&control, &step, &input, &output, &error}) {
        for (const int fd : *pair) {
          if (fd >= 0) ::close(fd);
        }
      }
    }
    bool open() {
      return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) == 0 &&
             ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, step.data()) == 0 &&
             ::pipe2(input.data(), O_CLOEXEC) == 0 && ::pipe2(output.data(), O_CLOEXEC) == 0 &&
             ::pipe2(error.data(), O_CLOEXEC) == 0 && ::fcntl(input[1], F_SETFL, O_NONBLOCK) == 0 &&
             ::fcntl(output[0], F_SETFL, O_NONBLOCK) == 0 &&
             ::fcntl(error[0], F_SETFL, O_NONBLOCK) == 0 &&
             // Scripts open /dev/stdout by name. The ends that are theirs, and no others.
             ::fchmod(input[0], 0444) == 0 && ::fchmod(output[1], 0222) == 0 &&
             ::fchmod(error[1], 0222) == 0;
    }
  };

  bool make_shell(int connection, const NewShell& request, int ahead) {
    if (free_slots_.empty()) find_free_slots();
    if (free_slots_.empty()) return reply(connection, request.id, EAGAIN, "4096 sandboxes live");
    const std::size_t slot = free_slots_.back();
    const std::string group = std::to_string(serial_++);
    int error = 0;
    CgroupFiles cgroup = cgroups_.create(group, request.limits, error);
    if (error != 0) return reply(connection, request.id, error, "making the cgroup");
    const auto give_up = [&](const char* what) {
      const int saved = errno;
      cgroup.close_all();
      cgroups_.remove(group);
      return reply(connection, request.id, saved, what);
    };
    Ends ends;
    if (!ends.open()) return give_up("making pipes and sockets");
    const int network = networks_.enter();
    if (network < 0) return give_up("entering a network namespace");

    const pid_t pid = clone_init(request, slot, cgroup, ends, ahead);
    if (pid < 0) {
      networks_.give_back(network);
      return give_up("cloning pid 1");
    }
    free_slots_.pop_back();
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    shells_[pid] = Shell{connection, request.id, slot, network, pidfd};
    groups_[pid] = group;
    if (request.zygote != 0) {
      const ZygoteFork fork{user_uid(slot), pidfd,         ends.step[1], ends.input[0],
                            ends.output[1], ends.error[1], cgroup.tasks, cgroup.procs};
      if (!zygotes_.fork(connection, request.zygote, fork)) {
        ::kill(pid, SIGKILL);
        cgroup.close_all();
        return reply(connection, request.id, ESRCH, "the zygote is gone");
      }
    }
    cgroup.close_all();
    return reply(connection, request.id, 0, "", ends.control[0]);
  }

  /// Sandboxes of a spawner that died live on: whoever is the user of one must not be another's.
  void find_free_slots() {
    std::vector<bool> taken(kMaxShells, false);
    for (const auto& [pid, shell] : shells_) taken[shell.slot] = true;
    if (!is_unprivileged()) {
      for (const uid_t uid : users_with_processes(proc_)) {
        const std::size_t slot = (uid - options_.uid_base) / 2;
        if (uid >= options_.uid_base && slot < kMaxShells) taken[slot] = true;
      }
    }
    for (std::size_t i = kMaxShells; i-- > 0;) {
      if (!taken[i]) free_slots_.push_back(i);
    }
  }

  uid_t user_uid(std::size_t slot) const {
    if (is_unprivileged()) return uid_;
    return options_.uid_base + static_cast<uid_t>(2 * slot);
  }

  pid_t clone_init(const NewShell& request, std::size_t slot, const CgroupFiles& cgroup,
                   const Ends& ends, int ahead) {
    constexpr unsigned long kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    const bool root = !is_unprivileged();
    const auto pid = static_cast<pid_t>(
        ::syscall(SYS_clone, kNamespaces | (root ? 0ul : CLONE_NEWUSER) | SIGCHLD, nullptr, nullptr,
                  nullptr, 0));
    if (pid != 0) return pid;
    const bool pod = request.zygote != 0;
    hide_command_line();
    ShellSetup setup;
    setup.nonce = request.nonce;
    setup.limits = request.limits;
    setup.user_uid = user_uid(slot);
    setup.init_uid = root ? setup.user_uid + 1 : setup.user_uid;
    setup.gid = gid_;
    setup.proc = root ? -1 : proc_;
    setup.cgroup = cgroup;
    setup.control = ends.control[1];
    setup.step = ends.step[0];
    setup.input_write = ends.input[1];
    setup.output_read = ends.output[0];
    setup.error_read = ends.error[0];
    setup.seccomp = &seccomp_;
    if (!pod) {
      setup.ahead = ahead;
      setup.runner_step = ends.step[1];
      setup.input_read = ends.input[0];
      setup.output_write = ends.output[1];
      setup.error_write = ends.error[1];
    }
    init_main(setup);
  }

  /// In the child: /proc/1/cmdline of a sandbox is for everyone in it, and would tell where Podium
  /// keeps its files.
  void hide_command_line() const noexcept {
    for (char** word = options_.words; *word != nullptr; ++word) {
      std::memset(*word, 0, std::strlen(*word));
    }
  }

  void reap() {
    signalfd_siginfo info;
    while (::read(children_, &info, sizeof info) > 0) {
    }
    for (pid_t pid; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) {
      zygotes_.reaped(pid);
      const auto shell = shells_.find(pid);
      if (shell == shells_.end()) continue;
      // pid 1 is gone, so every process of its namespace is: the kernel waits for them first.
      networks_.give_back(shell->second.network);
      if (shell->second.pidfd >= 0) ::close(shell->second.pidfd);
      free_slots_.push_back(shell->second.slot);
      const auto group = groups_.find(pid);
      if (!cgroups_.remove(group->second)) doomed_groups_.push_back(group->second);
      groups_.erase(group);
      shells_.erase(shell);
    }
  }

  std::string facts() const {
    std::ostringstream out;
    out << R"({"privileged":)" << (is_unprivileged() ? "false" : "true") << R"(,"cgroup":")"
        << cgroups_.layout().name() << R"(","unenforced":[)";
    const auto missing = cgroups_.layout().missing();
    for (std::size_t i = 0; i < missing.size(); ++i) {
      out << (i ? "," : "") << '"' << missing[i] << '"';
    }
    out << R"(],"landlock":)" << landlock_version() << R"(,"sandboxes":)" << shells_.size()
        << R"(,"notes":[)";
    for (std::size_t i = 0; i < cgroups_.notes().size(); ++i) {
      out << (i ? "," : "") << '"' << cgroups_.notes()[i] << '"';
    }
    out << "]";
    if (is_unprivileged()) out << R"(,"weaker":)" << kWeaker;
    out << "}";
    return out.str();
  }

  SpawnerOptions options_;
  CgroupTree& cgroups_;
  SeccompProgram seccomp_;
  NetworkPool networks_;
  ZygoteHost zygotes_;
  int proc_ = -1;
  uid_t uid_ = ::geteuid();  // as seen inside; both are mapped to themselves
  gid_t gid_ = ::getegid();
  int children_ = -1;
  std::vector<int> connections_;
  std::map<pid_t, Shell> shells_;
  std::map<pid_t, std::string> groups_;
  std::vector<std::size_t> free_slots_;
  std::vector<std::string> doomed_groups_;
  std::uint64_t serial_ = 1;
};

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

/// What making sandboxes needs, and nothing of the rest of root.
constexpr std::uint64_t kSpawnerCapabilities =
    bit(CAP_SYS_ADMIN) | bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_SETPCAP) | bit(CAP_KILL) |
    bit(CAP_CHOWN) | bit(CAP_FOWNER) | bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH) |
    bit(CAP_NET_ADMIN) | bit(CAP_SYS_RESOURCE) | bit(CAP_SYS_NICE) | bit(CAP_SYS_CHROOT) |
    bit(CAP_SYS_PTRACE);

int spawner_main(int argc, char** argv) {
  const SpawnerOptions options = read_spawner_options(argc, argv);
  ::prctl(PR_SET_NAME, "podium-spawner");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A service's UMask=0077 would close the sandboxes' root to their users.
  ::umask(022);
  const std::string name = "podium-" + std::to_string(::getpid());
  // Everything the host can tell is read before its root goes out of sight, and before this is in a
  // pid namespace of its own, where the numbers of the host's processes mean nothing.
  CgroupHost host(leader_of_spawner());
  CgroupTree cgroups(
      find_cgroups(read_text("/proc/self/cgroup"), read_text("/proc/self/mountinfo")), name, host);
  if (is_unprivileged()) enter_user_namespace();
  const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) throw std::runtime_error("cannot open /proc");
  SeccompProgram seccomp = SeccompProgram::build();
  const rlimit files{options.descriptors, options.descriptors};
  ::setrlimit(RLIMIT_NOFILE, &files);
  enter_prepared_root(options.runs, options.extra_paths);
  if (drop_bounding_set(kSpawnerCapabilities) != 0) {
    throw std::runtime_error("cannot drop capabilities");
  }
  Spawner(options, cgroups, std::move(seccomp), proc).serve();
  return 0;
}

}  // namespace
}  // namespace podium::sandbox

int main(int argc, char** argv) {
  try {
    return podium::sandbox::spawner_main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "podium-spawner: %s\n", e.what());
    return 1;
  }
}
