// Sandboxes, third part: what is looked after once a second, and the loss of the spawner.

#include <cstdio>

#include "channels.hpp"
#include "packet.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {
namespace {

constexpr std::chrono::seconds kPingInterval{15};
constexpr std::chrono::seconds kMakingTimeout{20};
constexpr std::chrono::seconds kZygoteTimeout{120};

/// Below this much of the host's memory nothing more than one is kept waiting.
constexpr std::uint64_t kMemoryReserve = 256u << 20;

/// Whether proc_meminfo(5) says that less is available than the reserve and a twentieth.
bool memory_is_short() noexcept {
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

}  // namespace

/// What was put off until now.
void Sandboxes::on_wake() {
  const auto now = Clock::now();
  std::vector<SandboxRun*> late;
  {
    const std::lock_guard lock(mutex_);
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
  Doomed doomed;
  const bool memory = memory_is_short();
  {
    const std::lock_guard lock(mutex_);
    if (memory != memory_is_short_) {
      host_.warning(memory ? "memory of the host is short; one sandbox of each kind is kept waiting"
                           : "memory of the host is no longer short");
      memory_is_short_ = memory;
    }
    if (link_.fd() < 0 && link_.reconnect()) loop_.watch(link_.fd(), tag_of(0, kSpawner));
    look_at_packages(now);
    check_health(now, doomed);
    give_up_waiting(now, late);
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      pools_[i].size.tick(now);
      refill(i);
    }
  }
  refuse(late);
}

/// Runs whose pid 1 does not answer are ended by the spawner; idle ones are asked every 15 s and
/// given up after two silences.
void Sandboxes::check_health(Clock::time_point now, Doomed& doomed) {
  std::vector<std::shared_ptr<Shell>> stuck;
  for (const auto& [id, shell] : shells_) {
    bool kill = false;
    switch (shell->state) {
      case Shell::State::kRunning:
        kill = shell->run != nullptr && now > shell->run->stuck_at;
        break;
      case Shell::State::kMaking:
        kill = now - shell->asked_at > kMakingTimeout;
        break;
      case Shell::State::kReady:
        if (now - shell->pinged_at < kPingInterval) break;
        kill = shell->missed_pings >= 2;
        shell->pinged_at = now;
        ++shell->missed_pings;
        send_struct(shell->control.get(), Message{Kind::kPing, 0, shell->nonce}, {}, MSG_DONTWAIT);
        break;
      default:
        break;
    }
    if (kill) stuck.push_back(shell);
  }
  for (const auto& shell : stuck) {
    host_.warning("a sandbox does not answer; it is killed");
    KillShell request;
    request.id = shell->id;
    link_.ask(request);
    if (shell->state == Shell::State::kMaking && !shell->control) {
      --pools_[shell->pool].starting;
      shells_.erase(shell->id);
      doomed.push_back(shell);
    }
  }
  for (auto& pool : pools_) {
    if (pool.next.id == 0 || now - pool.next.asked_at < kZygoteTimeout) continue;
    host_.warning("zygote " + pool.options.tier + " does not become ready; it is killed");
    KillZygote request;
    request.id = pool.next.id;
    link_.ask(request);
    pool.next.asked_at = now;
  }
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
