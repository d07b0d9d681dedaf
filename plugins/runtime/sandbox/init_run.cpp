// Init, third part: the beginning of a run.

#include "init.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "tidy_tree.hpp"

namespace podium::sandbox {

void Init::run(std::size_t size, Packet& packet) noexcept {
  RunHeader header{};
  std::memcpy(&header, buffer_, sizeof header);
  const ShellLimits& first = header.compiles != 0 ? header.compile_limits : header.limits;
  if (const int error = apply_limits(s_.cgroup, first, &limits_)) {
    fail("setting the limits of the run", error);
  }
  if (header.limits.workspace_bytes != limits_.workspace_bytes ||
      header.limits.workspace_files != limits_.workspace_files) {
    must_succeed(box_.resize(header.limits));
  }
  limits_ = header.limits;
  if (header.workspace[0] != '\0') {
    const std::string_view name{header.workspace,
                                ::strnlen(header.workspace, sizeof header.workspace)};
    must_succeed(box_.mount_inputs(name, s_.user_uid == s_.init_uid));
  }
  box_.forget_runs();
  wall_us_ = header.wall_ms * 1000;
  compile_wall_us_ = header.compile_wall_ms * 1000;
  file_bytes_ = header.file_bytes;
  Go go = go_of(header);
  go.has_inputs = header.workspace[0] != '\0' ? 1 : 0;
  if (s_.cgroup.memory_limit < 0) {
    go.data_bytes = header.limits.memory_bytes;
    go.compile_data_bytes = first.memory_bytes;
  }
  if (s_.cgroup.pids_limit < 0) {
    go.processes = header.limits.processes;
    go.compile_processes = first.processes;
  }
  if (pod_ && !forked_) limit_interpreter(go);
  const bool alike = s_.user_uid == s_.init_uid;
  if (alike) drop_rights();
  const int payload = packet.descriptor(0);
  const std::string_view rest{buffer_ + sizeof header, size - sizeof header};
  cpu_.begin_run();
  begin_run(now_us());
  if (pod_ && !forked_) send_struct(s_.step, StepMessage{Step::kComing, 0});
  if (!send_packet(s_.step, as_bytes(go), rest,
                   header.payload_is_descriptor != 0 ? std::span<const int>(&payload, 1)
                                                     : std::span<const int>())) {
    go_unread_ = true;  // its end is told when it is reaped
    if (main_ > 0) ::kill(main_, SIGKILL);
  }
  // While the program starts: it is another user's, who can do nothing to this process, and none
  // of its words are read before.
  if (!alike) drop_rights();
}

void Init::begin_straight(const RunHeader& header) noexcept {
  box_.forget_runs();
  wall_us_ = header.wall_ms * 1000;
  file_bytes_ = header.file_bytes;
  begin_run(std::min(now_us(), header.sent_us));
  // Not a failure that is told: the run has begun, and another sandbox must not get it.
  if (become_prepared(s_.init_uid, kInitCapabilities) != 0) ::_exit(1);
  rehearsal_due_ = pod_;  // another program executes first, and is not over so soon
}

void Init::rehearse_end() noexcept {
  RunEnd unused{};
  static_cast<void>(is_alone());
  static_cast<void>(is_empty(box_.changes()));
  measure(unused);
}

void Init::begin_run(std::int64_t now) noexcept {
  running_ = true;
  started_us_ = now;
  deadline_us_ = started_us_ + wall_us_;
  goes_on_us_ = started_us_ + kShortRun / std::chrono::microseconds(1);
}

void Init::drop_rights() noexcept {
  must(become_prepared(s_.init_uid, kInitCapabilities) == 0, "dropping the rights of pid 1");
}

void Init::limit_interpreter(const Go& go) noexcept {
  const auto same = static_cast<uid_t>(-1);
  must(::setresgid(s_.user_uid, same, same) == 0 && ::setresuid(s_.user_uid, same, same) == 0,
       "taking the name of the run's user");
  const auto limit = [&](auto which, std::uint64_t value) {
    const rlimit wanted{value, value};
    if (value != 0) must(::prlimit(main_, which, &wanted, nullptr) == 0, "prlimit");
  };
  limit(RLIMIT_FSIZE, go.file_bytes);
  limit(RLIMIT_NOFILE, go.open_files);
  limit(RLIMIT_DATA, go.data_bytes);
  limit(RLIMIT_NPROC, go.processes);
}

}  // namespace podium::sandbox
