#include "sandboxes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "channels.hpp"
#include "packet.hpp"

namespace podium::sandbox {
namespace {

constexpr std::chrono::milliseconds kKillTimeout{2000};
constexpr std::chrono::seconds kWallGrace{5};

/// What the next sandboxes are made with: those of this run, which are often those of the next, but
/// for what would make them slowly or not at all. pid 1 applies the rest when a run comes.
ShellLimits limits_for_next(const ShellLimits& of_run) noexcept {
  ShellLimits next = of_run;
  next.cpu_millis = std::max(next.cpu_millis, 500u);
  next.memory_bytes = std::max<std::uint64_t>(next.memory_bytes, 64u << 20);
  next.processes = std::max<std::uint64_t>(next.processes, 32);
  return next;
}

constexpr const char* kShortage =
    "this host is short of memory or descriptors; the run was not given to its sandbox";

}  // namespace

Sandboxes::Sandboxes(sdk::Host host, std::vector<PoolOptions> pools,
                     std::function<bool()> memory_is_short)
    : host_(host),
      options_(std::move(pools)),
      link_(host),
      probe_memory_(std::move(memory_is_short)),
      prompt_(host_, loop_, tag_of(0, kPrompt), [this](std::uint64_t tag) { on_event(tag); }),
      loop_([this](std::uint64_t tag) { on_event(tag); }, [this] { on_wake(); },
            [this] { on_tick(); }) {
  link_.connect();
  unenforced_ = link_.unenforced();
  facts_ = link_.facts();
  for (const auto& options : options_) {
    pools_.emplace_back(options);
  }
  loop_.watch(link_.fd(), tag_of(0, kSpawner));
  loop_.start();
  {
    Doomed none;
    const std::lock_guard lock(mutex_);
    look_at_packages(Clock::now(), none);
    for (std::size_t i = 0; i < pools_.size(); ++i) refill(i);
  }
  prompt_.start();  // last: from here on another thread calls, until the destructor
}

Sandboxes::~Sandboxes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  prompt_.stop();
  loop_.stop();
}

// ---------------------------------------------------------------- the host's side

void Sandboxes::start(std::size_t pool, const sdk::RunView& view, const sdk::Callbacks& callbacks,
                      podium_lease*& lease) {
  auto run = std::make_unique<SandboxRun>(view, callbacks);
  run->pool = pool;
  if (pools_[pool].options.acquire_timeout.count() >= 0) {
    run->give_up_at = run->started + pools_[pool].options.acquire_timeout;
  }
  lease = sdk::to_lease(run.get());
  place(*run.release());
}

/// Gives the run a waiting sandbox, or lets it wait for one.
void Sandboxes::place(SandboxRun& run) {
  for (;;) {
    std::shared_ptr<Shell> shell;
    bool cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      Pool& pool = pools_[run.pool];
      if (pool.left_out || !can_execute_ahead(pool)) break;
      pool.options.limits = limits_for_next(run.header.limits);
      shell = take(pool);
      if (!run.counted) {  // a second try is not another run
        run.counted = true;
        run.hit = shell != nullptr;
        ++(run.hit ? pool.counts.hits : pool.counts.misses);
        pool.size.taken(run.hit, static_cast<unsigned>(pool.ready.size()), Clock::now());
      }
      cancelled = run.cancelled && shell == nullptr;  // while it was between two sandboxes
      if (shell == nullptr && !cancelled) {
        pool.waiting.push_back(&run);
        refill(run.pool);
        loop_.wake_at(run.give_up_at);
        return;
      }
    }
    if (cancelled) return fail(&run, PODIUM_CANCELLED, "");
    const std::size_t pool = run.pool;
    const Sent sent = assign(run, std::move(shell));
    if (sent == Sent::kGone) continue;
    {
      const std::lock_guard lock(mutex_);
      refill_after_run(pool);
    }
    if (sent == Sent::kShort) fail(&run, PODIUM_UNAVAILABLE, kShortage);
    return;
  }
  fail(&run, PODIUM_UNAVAILABLE, "its pool is left out on this host");
}

std::shared_ptr<Shell> Sandboxes::take(Pool& pool) {
  while (!pool.ready.empty()) {
    auto shell = std::move(pool.ready.back());
    pool.ready.pop_back();
    if (shell->state == Shell::State::kReady) return shell;
  }
  return nullptr;
}

/// What is not kSent started nothing. The sandbox is spent all the same: input may be in its pipe.
Sent Sandboxes::assign(SandboxRun& run, std::shared_ptr<Shell> shell) {
  {
    const std::lock_guard lock(mutex_);
    if (shell->state != Shell::State::kReady) return Sent::kGone;
    shell->state = Shell::State::kRunning;
    shell->sending = true;
    shell->cancel_wanted = run.cancelled;
    shell->run = &run;
    run.shell = shell;
    run.stuck_at =
        Clock::now() + (run.cancelled ? kKillTimeout
                                      : std::chrono::milliseconds(run.header.wall_ms +
                                                                  run.header.compile_wall_ms) +
                                            kWallGrace);
    ++pools_[run.pool].counts.busy;
  }
  const bool input_left = !feed_input(run, *shell);
  const Sent sent = dispatch(run, *shell);
  const std::lock_guard lock(mutex_);
  shell->sending = false;
  sent_.notify_all();
  if (sent == Sent::kSent) {
    // From here on the loop may hear the end and the host release the run: not a word of it more.
    if (input_left || !run.more_input.empty() || run.input_ends) want_input(run);
    if (run.listened) hear(*shell);
    if (shell->cancel_wanted) send_kill(*shell, Stop::kCancel);
    return sent;
  }
  shell->run = nullptr;
  shell->state = Shell::State::kDead;
  --pools_[run.pool].counts.busy;
  ++pools_[run.pool].counts.deaths;
  shells_.erase(shell->id);
  run.shell.reset();
  run.rewind_input();
  return sent;
}

void Sandboxes::cancel(podium_lease* lease) noexcept {
  auto* run = sdk::from_lease<SandboxRun>(lease);
  std::shared_ptr<Shell> shell;
  bool waited = false;
  {
    const std::lock_guard lock(mutex_);
    run->cancelled = true;
    waited = std::erase(pools_[run->pool].waiting, run) > 0;
    shell = run->shell;
    run->stuck_at = std::min(run->stuck_at, Clock::now() + kKillTimeout);
    if (shell != nullptr && shell->sending) {
      // It would overtake the run, and pid 1 has nothing to kill yet.
      shell->cancel_wanted = true;
      return;
    }
  }
  if (waited) return fail(run, PODIUM_CANCELLED, "");
  if (shell == nullptr) return;  // between two sandboxes: place and assign look at the flag
  send_kill(*shell, Stop::kCancel);
}

void Sandboxes::release(podium_lease* lease) noexcept {
  const std::unique_ptr<SandboxRun> run(sdk::from_lease<SandboxRun>(lease));
  std::shared_ptr<Shell> shell;
  {
    const std::lock_guard lock(mutex_);
    shell = std::move(run->shell);
    if (shell != nullptr) {
      shell->run = nullptr;
      shells_.erase(shell->id);
    }
    refill(run->pool);
  }
  // Closing the shell's control socket here, outside the lock, is what ends its pid 1.
}

/// Ends a run that no sandbox took.
void Sandboxes::fail(SandboxRun* run, podium_code code, const std::string& message) {
  run->message = message;
  podium_completion completion = sdk::empty_completion();
  completion.code = code;
  completion.message = sdk::bytes(run->message);
  run->callbacks.completed(completion);
}

/// Another thread may be between choosing the sandbox and having sent the run: whether it went out
/// decides what a word or the end of the sandbox means. Who sends waits for nobody.
void Sandboxes::wait_until_sent(const Shell& shell) {
  std::unique_lock lock(mutex_);
  sent_.wait(lock, [&] { return !shell.sending; });
}

/// nullptr: there is none, or it has ended.
SandboxRun* Sandboxes::run_of(const Shell& shell) const {
  const std::lock_guard lock(mutex_);
  return shell.state == Shell::State::kRunning ? shell.run : nullptr;
}

std::shared_ptr<Shell> Sandboxes::find(std::uint32_t id) const {
  const auto at = shells_.find(id);
  return at == shells_.end() ? nullptr : at->second;
}

void Sandboxes::on_made(const ShellMade& made, int descriptor) {
  const std::lock_guard lock(mutex_);
  sdk::Descriptor control(descriptor);
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].next.id != made.id) continue;
    Zygote& zygote = pools_[i].next;
    if (made.error == 0) {
      zygote.socket = std::move(control);
      loop_.watch(zygote.socket.get(), tag_of(zygote.id, kZygote));
      return;
    }
    Doomed doomed;
    complain(zygote_gate_, "zygote " + pools_[i].options.tier + ": " + made.what + ": " +
                               std::generic_category().message(made.error));
    return zygote_ended(i, true, doomed);
  }
  const auto shell = find(made.id);
  if (shell == nullptr) return;
  if (made.error != 0) {
    Pool& pool = pools_[shell->pool];
    making_failed(pool);
    shells_.erase(made.id);
    complain(making_gate_, "the spawner could not make a sandbox: " + std::string(made.what) +
                               ": " + std::generic_category().message(made.error));
    return;
  }
  shell->control = std::move(control);
  prompt_.watch(shell->control.get(), tag_of(shell->id, kControl));
}

void Sandboxes::on_ready(const std::shared_ptr<Shell>& shell, Packet& packet) {
  SandboxRun* run = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (shell->state != Shell::State::kMaking || packet.count() < 3) return;
    shell->input.reset(packet.take(0));
    shell->output.reset(packet.take(1));
    shell->error.reset(packet.take(2));
    if (packet.count() > 4) {
      shell->process.reset(packet.take(3));
      shell->header.reset(packet.take(4));
    }
    shell->state = Shell::State::kReady;
    shell->pinged_at = Clock::now();
    Pool& pool = pools_[shell->pool];
    --pool.starting;
    pool.making_failures = 0;
    if (pool.zygote.id == shell->zygote) pool.zygote.proven = true;
    ++pool.counts.refills;
    pool.counts.refill_seconds +=
        std::chrono::duration<double>(Clock::now() - shell->asked_at).count();
    if (!pool.waiting.empty()) {
      run = pool.waiting.front();
      pool.waiting.pop_front();
    } else {
      pool.ready.push_back(shell);
    }
    refill(shell->pool);
  }
  if (run == nullptr) return;
  const Sent sent = assign(*run, shell);
  if (sent == Sent::kGone) place(*run);
  if (sent == Sent::kShort) fail(run, PODIUM_UNAVAILABLE, kShortage);
}

// ---------------------------------------------------------------- the loop

void Sandboxes::on_event(std::uint64_t tag) {
  const auto channel = static_cast<Channel>(tag & 7);
  if (channel == kSpawner) return on_spawner();
  if (channel == kPrompt) return prompt_.dispatch();
  if (channel == kZygote) return on_zygote(static_cast<std::uint32_t>(tag >> 3));
  std::shared_ptr<Shell> shell;
  {
    const std::lock_guard lock(mutex_);
    shell = find(static_cast<std::uint32_t>(tag >> 3));
  }
  if (shell == nullptr) return;
  switch (channel) {
    case kControl:
      return on_control(shell);
    case kOutput:
      return on_output(shell, 1);
    case kError:
      return on_output(shell, 2);
    case kInput:
      return on_input(shell);
    default:
      return;
  }
}

void Sandboxes::on_spawner() {
  for (;;) {
    alignas(8) std::array<char, 8192> buffer;
    Packet packet;
    int fd;
    {
      const std::lock_guard lock(mutex_);
      fd = link_.fd();
    }
    const ssize_t n = packet.receive(fd, buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return lost_spawner();
    if (n != sizeof(ShellMade)) continue;
    ShellMade made;
    std::memcpy(&made, buffer.data(), sizeof made);
    on_made(made, packet.take(0));
  }
}

void Sandboxes::on_control(const std::shared_ptr<Shell>& shell) {
  for (;;) {
    alignas(8) std::array<char, 1024> buffer;
    Packet packet;
    const ssize_t n = packet.receive(shell->control.get(), buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    // A peer that closed with a message of ours unread gives ECONNRESET (unix(7)).
    if (n <= 0) {
      const bool unread = n < 0 && errno == ECONNRESET;
      wait_until_sent(*shell);
      // pid 1 may have left a straight run unread that its process took.
      return on_lost(shell, shell->failed || (unread && !shell->straight));
    }
    Message message{};
    if (n < static_cast<ssize_t>(sizeof message)) return on_lost(shell, false);
    std::memcpy(&message, buffer.data(), sizeof message);
    if (message.nonce != shell->nonce) {
      host_.error("a sandbox's pid 1 spoke with a wrong nonce; it is given up");
      return on_lost(shell, false);
    }
    if (message.kind == Kind::kReady) {
      on_ready(shell, packet);
    } else if (message.kind == Kind::kPong) {
      const std::lock_guard lock(mutex_);
      shell->missed_pings = 0;
    } else if (message.kind == Kind::kCompiled) {
      wait_until_sent(*shell);
      const std::lock_guard telling(shell->telling);
      if (SandboxRun* run = run_of(*shell)) run->callbacks.phase(PODIUM_PHASE_RUN);
    } else if (message.kind == Kind::kGoesOn) {
      wait_until_sent(*shell);
      const std::lock_guard lock(mutex_);
      on_going_on(*shell);
    } else if (message.kind == Kind::kEnd && n == sizeof(RunEnd)) {
      RunEnd end;
      std::memcpy(&end, buffer.data(), sizeof end);
      return on_end(shell, end, packet);
    } else if (message.kind == Kind::kFailed && n == sizeof(Failed)) {
      Failed failed;
      std::memcpy(&failed, buffer.data(), sizeof failed);
      failed.what[sizeof failed.what - 1] = '\0';
      shell->failed = true;
      const std::lock_guard lock(mutex_);
      complain(lost_gate_, "a sandbox is lost: " + std::string(failed.what) + ": " +
                               std::generic_category().message(failed.error));
    }
  }
}

void Sandboxes::on_output(const std::shared_ptr<Shell>& shell, std::uint32_t stream) {
  sdk::Descriptor& fd = stream == 1 ? shell->output : shell->error;
  const std::lock_guard telling(shell->telling);
  if (!fd) return;
  SandboxRun* run = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (shell->sending) return;
    if (shell->state == Shell::State::kRunning) run = shell->run;
    // Nobody was told to write: its process has ended. Or nobody takes what it says now.
    if (run == nullptr || run->held) loop_.forget(fd.get());
    if (run != nullptr && run->held) run = nullptr;
  }
  if (run == nullptr) return;
  bool over = false;
  if (!drain_output(*run, fd.get(), stream, over)) loop_.forget(fd.get());
  if (over) {
    run->output_over = true;  // it may end by itself before it is killed
    send_kill(*shell, Stop::kOutput);
  }
}

void Sandboxes::on_end(const std::shared_ptr<Shell>& shell, const RunEnd& end, Packet& packet) {
  SandboxRun* run;
  wait_until_sent(*shell);
  const std::lock_guard telling(shell->telling);
  {
    const std::lock_guard lock(mutex_);
    run = shell->run;
    if (run == nullptr || shell->state != Shell::State::kRunning) return;
    shell->state = Shell::State::kEnded;
    unwatch_input(*run);
    run->held = false;
    --pools_[shell->pool].counts.busy;
  }
  // Every process of the run is dead: what is in the pipes now is all there will be.
  bool over = run->output_over;
  for (const std::uint32_t stream : {1u, 2u}) {
    sdk::Descriptor& fd = stream == 1 ? shell->output : shell->error;
    if (!fd) continue;
    if (shell->heard) loop_.forget(fd.get());
    drain_output(*run, fd.get(), stream, over);
  }
  std::size_t next = 0;
  if (end.has_changes != 0) run->changes.reset(packet.take(next++));
  if (end.has_merged != 0) run->merged.reset(packet.take(next));
  RunEnd told = end;
  if (over && told.stop == Stop::kNone) told.stop = Stop::kOutput;
  podium_completion completion = completion_of(*run, told);
  if (!unenforced_.empty()) completion.unenforced = unenforced_.c_str();
  run->callbacks.completed(completion);  // the run may be gone now
}

/// A sandbox's pid 1 is gone without a word of an end.
void Sandboxes::on_lost(const std::shared_ptr<Shell>& shell, bool run_unread) {
  SandboxRun* run = nullptr;
  bool cancelled = false;
  wait_until_sent(*shell);
  {
    const std::lock_guard telling(shell->telling);  // who has begun to tell something ends it
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[shell->pool];
    const auto before = shell->state;
    if (before == Shell::State::kDead) return;
    shell->state = Shell::State::kDead;
    prompt_.forget(shell->control.get());
    shells_.erase(shell->id);
    if (before == Shell::State::kMaking) making_failed(pool);
    if (before != Shell::State::kEnded) ++pool.counts.deaths;
    std::erase(pool.ready, shell);
    if (before == Shell::State::kRunning) {
      --pool.counts.busy;
      run = std::exchange(shell->run, nullptr);
      if (run != nullptr) {
        unwatch_input(*run);
        run->shell.reset();
        cancelled = run->cancelled;
        if (run_unread) run->rewind_input();
      }
    }
    refill(shell->pool);
  }
  if (run == nullptr) return;
  if (cancelled) return fail(run, PODIUM_CANCELLED, "");
  if (run_unread && !run->retried) {
    run->retried = true;
    host_.info("run " + run->id + ": the sandbox died before it took the run; trying another");
    return place(*run);
  }
  // pid 1 is killed only from outside: by the host's own lack of memory, or by us when it was
  // stuck.
  fail(run, PODIUM_INTERNAL, "the sandbox died in the middle of the run");
}

PoolState Sandboxes::state(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  const Pool& pool = pools_[index];
  PoolState state = pool.counts;
  state.available = static_cast<unsigned>(pool.ready.size());
  state.starting = pool.starting;
  state.target = pool.size.target();
  state.waiting = static_cast<unsigned>(pool.waiting.size());
  state.zygote_ready = pool.options.zygote.interpreter.empty() || pool.zygote.id != 0;
  state.left_out = pool.left_out;
  return state;
}

bool Sandboxes::usable(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return !pools_[index].left_out;
}

}  // namespace podium::sandbox
