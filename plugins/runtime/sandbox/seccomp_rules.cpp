#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>

#include "confine.hpp"

namespace podium::sandbox {
namespace {

/// Refused with EPERM: what would reach other processes, the kernel's rare corners or the machine.
constexpr std::array kRefused{
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    // namespaces, mounts, roots
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at",
    "name_to_handle_at",
    // large attack surface, no use for ordinary programs
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "add_key", "request_key", "keyctl", "fanotify_init", "fanotify_mark",
    "seccomp", "lookup_dcookie", "vmsplice", "nfsservctl", "quotactl", "quotactl_fd", "remap_file_pages",
    "modify_ldt", "uselib", "ustat", "sysfs", "_sysctl", "vm86", "vm86old", "migrate_pages",
    "move_pages", "io_setup", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
    // the machine
    "init_module", "finit_module", "delete_module", "create_module", "query_module",
    "get_kernel_syms", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct",
    "syslog", "settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime",
    "clock_adjtime64", "adjtimex", "iopl", "ioperm", "vhangup", "sethostname", "setdomainname"};

/// Calls from 424 on have one number on all architectures. libseccomp of this Debian knows no names
/// after 452 (fchmodat2), so that they cannot be refused by name: of those the harmless ones are let
/// through, and for the others and those that are yet to come this is an older kernel.
constexpr unsigned kFirstUnnamed = 453, kEndOfNumbers = 640;
constexpr std::array<unsigned, 10> kHarmlessUnnamed{
    453 /* map_shadow_stack */, 454 /* futex_wake */,   455 /* futex_wait */,
    456 /* futex_requeue */,    462 /* mseal */,        463 /* setxattrat */,
    464 /* getxattrat */,       465 /* listxattrat */,  466 /* removexattrat */,
    468 /* file_getattr */};

void add(scmp_filter_ctx filter, std::uint32_t action, const char* name,
         std::initializer_list<scmp_arg_cmp> conditions = {}) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number < 0) return;  // not a system call of this machine: it cannot be made either
  const int error = seccomp_rule_add_array(filter, action, number,
                                           static_cast<unsigned>(conditions.size()),
                                           conditions.begin());
  if (error != 0) throw std::runtime_error(std::string("seccomp rule for ") + name);
}

constexpr std::uint32_t kEperm = SCMP_ACT_ERRNO(EPERM);

void refuse_namespaces_by_clone(scmp_filter_ctx filter) {
  for (const std::uint64_t flag :
       {std::uint64_t{CLONE_NEWNS}, std::uint64_t{CLONE_NEWCGROUP}, std::uint64_t{CLONE_NEWUTS},
        std::uint64_t{CLONE_NEWIPC}, std::uint64_t{CLONE_NEWUSER}, std::uint64_t{CLONE_NEWPID},
        std::uint64_t{CLONE_NEWNET}}) {
    add(filter, kEperm, "clone", {SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)});
  }
  // Its flags lie behind a pointer that a filter cannot follow; libc falls back to clone.
  add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

void refuse_unnamed_calls(scmp_filter_ctx filter) {
  for (unsigned number = kFirstUnnamed; number < kEndOfNumbers; ++number) {
    if (std::ranges::find(kHarmlessUnnamed, number) != kHarmlessUnnamed.end()) continue;
    const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), static_cast<int>(number), 0);
    if (error != 0) throw std::runtime_error("seccomp rule for call " + std::to_string(number));
  }
}

/// Whoever asks for SCTP, DCCP, L2TP or UDP-Lite makes the kernel load a module for it, with no
/// right needed. TCP, UDP and 0, which means one of them, are what programs use.
void refuse_rare_protocols(scmp_filter_ctx filter) {
  const std::uint32_t unsupported = SCMP_ACT_ERRNO(EPROTONOSUPPORT);
  for (const unsigned family : {AF_INET, AF_INET6}) {
    for (unsigned protocol = 1; protocol < IPPROTO_UDP; ++protocol) {
      if (protocol == IPPROTO_TCP) continue;
      add(filter, unsupported, "socket",
          {SCMP_A0(SCMP_CMP_EQ, family), SCMP_A2(SCMP_CMP_EQ, protocol)});
    }
    add(filter, unsupported, "socket",
        {SCMP_A0(SCMP_CMP_EQ, family), SCMP_A2(SCMP_CMP_GT, IPPROTO_UDP)});
  }
}

/// Local, IPv4 and IPv6 streams and datagrams only: the network namespace is empty anyway.
void refuse_rare_sockets(scmp_filter_ctx filter) {
  const std::array<unsigned, 3> families{AF_UNIX, AF_INET, AF_INET6};
  unsigned from = 0;
  for (const unsigned family : families) {
    for (; from < family; ++from) {
      add(filter, kEperm, "socket", {SCMP_A0(SCMP_CMP_EQ, from)});
    }
    from = family + 1;
  }
  add(filter, kEperm, "socket", {SCMP_A0(SCMP_CMP_GT, AF_INET6)});
  // Any other kind, too, makes the kernel load a module with the protocol left open: DCCP.
  constexpr std::array<std::uint64_t, 3> kKinds{SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (std::uint64_t kind = 0; kind <= 0xf; ++kind) {
    if (std::ranges::find(kKinds, kind) != kKinds.end()) continue;
    add(filter, kEperm, "socket", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, kind)});
  }
  add(filter, kEperm, "socketpair", {SCMP_A0(SCMP_CMP_NE, AF_UNIX)});
}

}  // namespace

SeccompProgram SeccompProgram::build() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) throw std::runtime_error("seccomp_init");
  struct Release {
    scmp_filter_ctx filter;
    ~Release() { seccomp_release(filter); }
  } release{filter};

  // 32-bit and x32 calls reach the same kernel by other numbers.
  seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const char* name : kRefused) add(filter, kEperm, name);
  refuse_namespaces_by_clone(filter);
  refuse_unnamed_calls(filter);
  refuse_rare_sockets(filter);
  refuse_rare_protocols(filter);
  // Faking input of a terminal.
  add(filter, kEperm, "ioctl", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI)});
  add(filter, kEperm, "ioctl", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, 0x541cu /*TIOCLINUX*/)});
  // Limits of another process; programs that ask for their own say 0.
  add(filter, kEperm, "prlimit64", {SCMP_A0(SCMP_CMP_NE, 0), SCMP_A2(SCMP_CMP_NE, 0)});
  const int fd = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0 || seccomp_export_bpf(filter, fd) != 0) throw std::runtime_error("seccomp_export_bpf");
  SeccompProgram program = load(fd);
  ::close(fd);
  return program;
}

}  // namespace podium::sandbox
