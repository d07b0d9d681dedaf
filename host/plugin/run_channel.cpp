#include "plugin/run_channel.hpp"

#include <exception>
#include <utility>

#include "base/utf8.hpp"
#include "plugin/abi_call.hpp"
#include "plugin/abi_sizes.hpp"

namespace podium {
namespace {

LimitHit limit_of(std::uint32_t limit) {
  switch (limit) {  // not as an enum: a value out of its range is undefined there
    case PODIUM_LIMIT_WALL:
      return LimitHit::kWall;
    case PODIUM_LIMIT_MEMORY:
      return LimitHit::kMemory;
    case PODIUM_LIMIT_PROCESSES:
      return LimitHit::kProcesses;
    case PODIUM_LIMIT_OUTPUT:
      return LimitHit::kOutput;
    case PODIUM_LIMIT_DISK:
      return LimitHit::kDisk;
    case PODIUM_LIMIT_NONE:
    default:
      break;
  }
  return LimitHit::kNone;
}

Completion completion_of(const std::string& who, const podium_completion* from) {
  Completion to;
  if (from == nullptr || from->size < kCompletionSize10) {
    to.failure = Failure(Code::kInternal, who + ": a completion that is no podium_completion");
    return to;
  }
  to.message = to_utf8(to_view(from->message));
  if (from->code != PODIUM_OK) {
    std::string reason =
        to.message.empty() ? "failed with code " + std::to_string(from->code) : to.message;
    to.failure = Failure(code_of(from->code), who + ": " + reason);
  }
  to.exit_code = from->exit_code;
  to.signal = from->signal;
  to.limit = limit_of(from->limit);
  to.in_compile = from->phase == PODIUM_PHASE_COMPILE;
  to.wall_us = from->wall_us;
  to.cpu_us = from->cpu_us;
  to.start_us = from->start_us;
  to.memory_peak = from->memory_peak;
  to.warm = from->warm != 0;
  to.changes = from->changes;
  to.merged = from->merged;
  to.unenforced = to_utf8(to_view(from->unenforced));
  return to;
}

}  // namespace

RunChannel::RunChannel(std::string who, std::string run, RunEvents& events, Bytes output_limit,
                       Log& log)
    : who_(std::move(who)),
      run_(std::move(run)),
      events_(events),
      log_(log),
      room_{output_limit, output_limit},
      callbacks_{sizeof(podium_run_callbacks), this, &output, &complete, &phase, &input_room} {}

bool RunChannel::completed() const {
  std::lock_guard lock(mutex_);
  return completed_;
}

void RunChannel::wait() {
  std::unique_lock lock(mutex_);
  if (completed_ && deliverer_ == std::this_thread::get_id()) return;
  over_.wait(lock, [this] { return delivered_; });
}

bool RunChannel::close() {
  std::lock_guard lock(mutex_);
  if (std::exchange(completed_, true)) return false;
  delivered_ = true;
  return true;
}

void RunChannel::output(void* ctx, std::uint32_t stream, podium_bytes chunk) noexcept {
  auto& self = *static_cast<RunChannel*>(ctx);
  try {
    self.pass(stream, to_view(chunk));
  } catch (const std::exception& e) {
    self.complain("gave output that could not be taken: " + std::string(e.what()));
  }
}

void RunChannel::complete(void* ctx, const podium_completion* from) noexcept {
  auto& self = *static_cast<RunChannel*>(ctx);
  try {
    self.end(from);
  } catch (const std::exception& e) {
    self.complain("gave a completion that could not be taken: " + std::string(e.what()));
  }
}

void RunChannel::phase(void* ctx, std::uint32_t phase) noexcept {
  auto& self = *static_cast<RunChannel*>(ctx);
  try {
    std::lock_guard lock(self.mutex_);
    if (!self.completed_ && phase == PODIUM_PHASE_RUN) self.events_.on_compiled();
  } catch (const std::exception& e) {
    self.complain("told a phase that could not be taken: " + std::string(e.what()));
  }
}

void RunChannel::input_room(void* ctx) noexcept {
  auto& self = *static_cast<RunChannel*>(ctx);
  try {
    std::lock_guard lock(self.mutex_);
    if (!self.completed_) self.events_.on_input_room();
  } catch (const std::exception& e) {
    self.complain("told of room for input, which failed: " + std::string(e.what()));
  }
}

void RunChannel::pass(std::uint32_t stream, std::string_view chunk) {
  std::lock_guard lock(mutex_);
  if (completed_ || stream < 1 || stream > 2) {
    complain(completed_ ? "gave output after its completion, which is dropped"
                        : "gave output on an unknown stream, which is dropped");
    return;
  }
  Bytes& room = room_[stream - 1];
  if (chunk.size() > room) {
    chunk = chunk.substr(0, room);
    cut_ = true;
  }
  room -= chunk.size();
  if (!chunk.empty()) events_.on_output(stream, chunk);
}

void RunChannel::end(const podium_completion* from) {
  Completion completion = completion_of(who_, from);
  if (!begin_delivery(completion)) {
    complain("gave a second completion, which is dropped");
    return;
  }
  try {
    events_.on_completed(std::move(completion));  // outside the lock: it may end the lease
  } catch (...) {
    end_delivery();
    throw;
  }
  end_delivery();
}

bool RunChannel::begin_delivery(Completion& completion) {
  std::lock_guard lock(mutex_);
  if (std::exchange(completed_, true)) return false;
  deliverer_ = std::this_thread::get_id();
  if (cut_ && completion.limit == LimitHit::kNone) completion.limit = LimitHit::kOutput;
  return true;
}

void RunChannel::end_delivery() {
  std::lock_guard lock(mutex_);  // this object is in quarantine at worst
  deliverer_ = {};
  delivered_ = true;
  over_.notify_all();
}

void RunChannel::complain(const std::string& what) noexcept {
  if (complained_.exchange(true)) return;  // one line a run, whatever it does
  log_.error(who_ + ": a run " + what, {{"run", run_}});
}

void RunQuarantine::add(std::unique_ptr<RunChannel> channel) noexcept {
  std::lock_guard lock(mutex_);
  channels_[oldest_] = std::move(channel);
  oldest_ = (oldest_ + 1) % channels_.size();
}

}  // namespace podium
