// Sandboxes, third part: what is looked after once a second, and the loss of the spawner.

#include <cstdio>

#include "channels.hpp"
#include "packet.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {
namespace {

constexpr std::chrono::seconds kKillTakes{2};
constexpr std::chrono::seconds kZygoteTimeout{120};

/// Below this much of the host's memory nothing more than one is kept waiting.
constexpr std::uint64_t kMemoryReserve = 256u << 20;

}  // namespace

/// Less than the reserve and a twentieth.
bool host_memory_is_short() noexcept {
  std::FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return false;
  char line[128];
  unsigned long long value = 0, total = 0, available = ~0ull;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "MemTotal: %llu kB", &value) == 1) total = value * 1024;
    if (std::sscanf(line, "MemAvailable: %llu kB", &value) == 1) {
      available = value * 1024;
      break;
    }
  }
  std::fclose(file);
  return available < std::max<unsigned long long>(kMemoryReserve, total / 20);
}

/// What was put off until now.
void Sandboxes::on_wake() {
  const auto now = Clock::now();
  std::vector<SandboxRun*> late;
  {
    const std::lock_guard lock(mutex_);
    if (link_.fd() < 0 && link_.reconnect()) loop_.watch(link_.fd(), tag_of(0, kSpawner));
    give_up_waiting(now, late);
    for (std::size_t i = 0; i < pools_.size(); ++i) refill(i);
  }
  refuse(late);
}

void Sandboxes::refuse(const std::vector<SandboxRun*>& late) {
  for (auto* run : late) {
    fail(run, PODIUM_UNAVAILABLE, "no sandbox became free within the acquire timeout");
  }
}

void Sandboxes::on_tick() {
  const auto now = Clock::now();
  std::vector<SandboxRun*> late;
  Doomed doomed, lost;
  const bool memory = probe_memory_();
  {
    const std::lock_guard lock(mutex_);
    if (memory != memory_is_short_) {
      host_.warning(memory ? "memory of the host is short; one sandbox of each kind is kept waiting"
                           : "memory of the host is no longer short");
      memory_is_short_ = memory;
    }
    if (link_.fd() < 0 && link_.reconnect()) loop_.watch(link_.fd(), tag_of(0, kSpawner));
    look_at_packages(now, doomed);
    check_health(now, doomed, lost);
    give_up_waiting(now, late);
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      pools_[i].size.tick(now);
      trim(pools_[i], doomed);
      refill(i);
    }
  }
  for (const auto& shell : lost) on_lost(shell, false);
  refuse(late);
}

void Sandboxes::complain(LogGate& gate, const std::string& message) {
  if (const auto text = gate.pass(message, Clock::now())) host_.error(*text);
}

void Sandboxes::ask_to_kill(const Shell& shell) {
  KillShell request;
  request.id = shell.id;
  link_.ask(request);
}

/// Runs whose pid 1 does not answer are ended by the spawner, and given up as `lost` when that does
/// not help: it may be another spawner than the one that made them. Idle ones are asked at
/// intervals and given up after two silences.
void Sandboxes::check_health(Clock::time_point now, Doomed& doomed, Doomed& lost) {
  std::vector<std::shared_ptr<Shell>> idle, making;
  for (const auto& [id, shell] : shells_) {
    const PoolOptions& options = options_[shell->pool];
    switch (shell->state) {
      case Shell::State::kRunning:
        if (shell->run == nullptr || now <= shell->run->stuck_at) break;
        if (shell->kill_asked_at == Clock::time_point()) {
          complain(stuck_gate_, "a sandbox does not end its run; it is killed");
          shell->kill_asked_at = now;
          ask_to_kill(*shell);
        } else if (now - shell->kill_asked_at > kKillTakes) {
          lost.push_back(shell);
        }
        break;
      case Shell::State::kMaking:
        if (now - shell->asked_at > options.making_timeout) making.push_back(shell);
        break;
      case Shell::State::kReady:
        if (now - shell->pinged_at < options.ping_interval) break;
        if (shell->missed_pings >= 2) {
          idle.push_back(shell);
          break;
        }
        shell->pinged_at = now;
        ++shell->missed_pings;
        send_struct(shell->control.get(), Message{Kind::kPing, 0, shell->nonce}, {}, MSG_DONTWAIT);
        break;
      default:
        break;
    }
  }
  for (const auto& shell : idle) give_up_idle(shell, doomed);
  for (const auto& shell : making) give_up_making(shell, doomed);
  for (auto& pool : pools_) {
    if (pool.next.id == 0 || now - pool.next.asked_at < kZygoteTimeout) continue;
    host_.warning("zygote " + pool.options.tier + " does not become ready; it is killed");
    KillZygote request;
    request.id = pool.next.id;
    link_.ask(request);
    pool.next.asked_at = now;
  }
}

/// It must not get a run, and its death is not waited for.
void Sandboxes::give_up_idle(const std::shared_ptr<Shell>& shell, Doomed& doomed) {
  complain(stuck_gate_, "a sandbox that waits was silent twice; it is replaced");
  Pool& pool = pools_[shell->pool];
  ask_to_kill(*shell);
  shell->state = Shell::State::kDead;
  ++pool.counts.deaths;
  std::erase(pool.ready, shell);
  shells_.erase(shell->id);
  doomed.push_back(shell);
}

/// Its zygote may be what is stuck: another takes its place.
void Sandboxes::give_up_making(const std::shared_ptr<Shell>& shell, Doomed& doomed) {
  complain(stuck_gate_, "a sandbox does not become ready; it is killed");
  Pool& pool = pools_[shell->pool];
  ask_to_kill(*shell);
  shell->state = Shell::State::kDead;
  --pool.starting;
  ++pool.counts.deaths;
  shells_.erase(shell->id);
  doomed.push_back(shell);
  if (shell->zygote == 0 || pool.zygote.id != shell->zygote) return;
  KillZygote request;
  request.id = shell->zygote;
  link_.ask(request);
}

void Sandboxes::give_up_waiting(Clock::time_point now, std::vector<SandboxRun*>& late) {
  for (auto& pool : pools_) {
    std::erase_if(pool.waiting, [&](SandboxRun* run) {
      if (run->give_up_at > now) return false;
      late.push_back(run);
      ++pool.counts.timeouts;
      return true;
    });
    for (const auto* run : pool.waiting) loop_.wake_at(run->give_up_at);
  }
}

/// The spawner died. Sandboxes that are complete live on without it; those in the making are lost.
void Sandboxes::lost_spawner() {
  Doomed doomed;
  const std::lock_guard lock(mutex_);
  host_.warning("the sandbox spawner ended; waiting for its successor");
  link_.disconnect();
  for (auto it = shells_.begin(); it != shells_.end();) {
    if (it->second->state == Shell::State::kMaking) {
      doomed.push_back(it->second);
      it = shells_.erase(it);
    } else {
      ++it;
    }
  }
  for (auto& pool : pools_) {
    pool.starting = 0;
    pool.retry_at = Clock::now() + std::chrono::milliseconds(50);
    loop_.wake_at(pool.retry_at);
    pool.zygote = Zygote();
    pool.next = Zygote();
    pool.former.clear();
  }
}

}  // namespace podium::sandbox
