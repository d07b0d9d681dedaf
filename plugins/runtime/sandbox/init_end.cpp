// Init, last part: the end of a run.

#include "init.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tidy_tree.hpp"

namespace podium::sandbox {
namespace {

/// A pod that is done and sleeps is killed by the end of its lease, which comes sooner than this.
constexpr std::int64_t kLeftAsleepUs = 10'000;

}  // namespace

void Init::finish(Stop stop) noexcept {
  const std::int64_t ended_us = now_us();
  running_ = false;
  ended_ = true;
  deadline_us_ = goes_on_us_ = 0;
  // The program may have locked its own folder; of an overlay this is the mode that others see.
  if (box_.merged() >= 0) make_enterable(box_.merged());
  // A pod that says it is done has written all its output, and sleeps. When it left no files and
  // nothing else either, nobody has to wait until a big interpreter is gone: to die it would take
  // the processor on which the end is told.
  TreeFacts left;
  const bool sleeps = done_ && is_alone();
  if (done_ && !sleeps) ::kill(-1, SIGKILL);
  if (!done_ || !is_empty(box_.changes())) {
    kill_everything();
    left = make_readable(box_.changes());
  }

  RunEnd end{};
  end.message = {Kind::kEnd, 0, s_.nonce};
  end.wait_status = compile_failed_ ? compile_status_ : status_;
  end.exec_errno = exec_errno_;
  end.stop = stop;
  end.in_compile = in_compile_ || compile_failed_ ? 1 : 0;
  end.wall_us = ended_us - started_us_;
  measure(end);
  // A program that ignores SIGXFSZ, as Python does, sees an error when a file has reached its
  // limit.
  if (file_bytes_ > 0 && left.largest >= file_bytes_) end.disk_full = 1;
  send_end(end, left.any);
  if (sleeps && !left.any) deadline_us_ = now_us() + kLeftAsleepUs;
}

void Init::measure(RunEnd& end) const noexcept {
  end.cpu_us = cpu_.of_run();
  end.memory_peak = read_number(s_.cgroup.memory_peak, "");
  end.oom_kills = read_number(s_.cgroup.oom_events, "oom_kill") - oom_before_;
  end.process_limit_hits = read_number(s_.cgroup.pids_events, "max") - process_hits_before_;
  end.disk_full = box_.full() ? 1 : 0;
}

void Init::send_end(RunEnd& end, bool changed) noexcept {
  std::array<int, 2> descriptors{};
  std::size_t count = 0;
  if (changed) {
    end.has_changes = 1;
    descriptors[count++] = box_.changes();
  }
  if (box_.merged() >= 0) {
    end.has_merged = 1;
    descriptors[count++] = box_.merged();
  }
  send_struct(s_.control, end, {descriptors.data(), count});
}

void Init::kill_sleeper() noexcept {
  deadline_us_ = 0;
  ::kill(-1, SIGKILL);
}

void Init::kill_everything() noexcept {
  for (;;) {
    if (::kill(-1, SIGKILL) != 0 && errno == ESRCH) {
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      return;
    }
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    // What is left is no child of this: the process between a zygote and its pod, say.
    if (pid < 0 && errno == ECHILD) return;
    if (pid > 0 && pid == main_) {
      main_ = -1;
      cpu_.reaped();
      if (!done_) status_ = status;
    }
  }
}

}  // namespace podium::sandbox
