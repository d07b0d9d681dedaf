// Sandboxes, second part: keeping as many waiting as are wanted, and the zygotes they come from.

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "channels.hpp"
#include "packet.hpp"
#include "sandboxes.hpp"

namespace podium::sandbox {
namespace {

/// Packages are unpacked file by file: a zygote is not started while they are at it.
constexpr std::chrono::seconds kPackagesSettle{2};

/// After which a run that took a sandbox has had its share; most have ended.
constexpr std::chrono::milliseconds kRunGoesFirst{8};

/// After the second failure in a row to make one; doubles up to kRetryAfterFailure.
constexpr std::chrono::milliseconds kFirstRetry{10};

/// A zygote that served and lived so long was killed from outside: another is started at once.
constexpr std::chrono::seconds kLongLife{1};

/// Changes when any of the paths does: made, removed, replaced, an entry more or less.
std::uint64_t fingerprint(const std::vector<std::string>& paths) {
  std::uint64_t hash = 1469598103934665603ull;  // FNV-1a over the numbers
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 1099511628211ull; };
  for (const auto& path : paths) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) info = {};
    add(info.st_ino);
    add(static_cast<std::uint64_t>(info.st_mtim.tv_sec));
    add(static_cast<std::uint64_t>(info.st_mtim.tv_nsec));
  }
  return hash;
}

}  // namespace

/// Making one costs milliseconds of a processor, more than most runs: the run that has just taken
/// one goes first, unless it took the last. The clock is set when its lease ends, or when it is
/// heard to go on: that costs something too.
void Sandboxes::refill_after_run(std::size_t index) {
  Pool& pool = pools_[index];
  if (pool.ready.empty() || !pool.waiting.empty()) return refill(index);
  pool.refill_at = Clock::now() + kRunGoesFirst;
}

/// Asks for as many as are missing. Called with the lock held whenever one was taken, made or lost.
void Sandboxes::refill(std::size_t index) {
  Pool& pool = pools_[index];
  if (stopping_ || pool.left_out) return;
  const auto now = Clock::now();
  if (!pool.options.zygote.interpreter.empty()) {
    let_go(pool);
    tend_zygote(index, now);
    if (pool.zygote.id == 0) return;
  }
  if (!can_execute_ahead(pool)) return;
  if (now < pool.retry_at) return loop_.wake_at(pool.retry_at);
  if (now < pool.refill_at && !pool.ready.empty() && pool.waiting.empty()) {
    return loop_.wake_at(pool.refill_at);
  }
  const std::size_t wanted = stock(pool) + pool.waiting.size();
  while (pool.ready.size() + pool.starting < wanted && pool.starting < pool.options.starting) {
    auto shell = std::make_shared<Shell>();
    shell->id = next_id_++;
    shell->nonce = random_number();
    shell->pool = index;
    shell->zygote = pool.zygote.id;
    shell->limits = pool.options.limits;
    shell->asked_at = now;
    NewShell request;
    request.id = shell->id;
    request.nonce = shell->nonce;
    request.limits = shell->limits;
    request.zygote = pool.zygote.id;
    std::vector<int> files;
    if (pool.options.ahead.payload != nullptr) {
      shell->ahead = true;
      shell->packages = pool.packages;
      request.ahead = 1;
      files.push_back(pool.options.ahead.payload->get());
    }
    if (!link_.ask(request, files)) {
      pool.retry_at = now + kRetryAfterFailure;
      return loop_.wake_at(pool.retry_at);
    }
    shells_.emplace(shell->id, shell);
    ++pool.starting;
    ++pool.zygote.forks;
  }
}

/// Runs that wait get theirs in any case; only the stock is given up when memory is short.
unsigned Sandboxes::stock(const Pool& pool) const {
  return memory_is_short_ ? std::min(1u, pool.size.target()) : pool.size.target();
}

/// Lets go of the oldest when more wait than ought to: demand went down, or memory is short.
void Sandboxes::trim(Pool& pool, Doomed& doomed) {
  if (!pool.waiting.empty() || pool.ready.size() <= stock(pool)) return;
  const auto surplus = static_cast<std::ptrdiff_t>(pool.ready.size() - stock(pool));
  for (auto at = pool.ready.begin(); at != pool.ready.begin() + surplus; ++at) {
    (*at)->state = Shell::State::kDead;
    shells_.erase((*at)->id);
    doomed.push_back(std::move(*at));
  }
  pool.ready.erase(pool.ready.begin(), pool.ready.begin() + surplus);
}

/// The first failure costs no time, a series of them does not become a storm.
void Sandboxes::making_failed(Pool& pool) {
  --pool.starting;
  // They may be what this host refuses, and other runs must not go without a sandbox for them.
  pool.options.limits = options_[static_cast<std::size_t>(&pool - pools_.data())].limits;
  const unsigned doublings = std::min(pool.making_failures++, 8u);
  pool.retry_at = Clock::now() + std::min(kRetryAfterFailure, kFirstRetry * ((1 << doublings) - 1));
  loop_.wake_at(pool.retry_at);
}

// ---------------------------------------------------------------- zygotes

/// Starts one when there is none or when the present one has served its time. The present one is
/// forked from until its successor is ready: the pool does not run dry meanwhile.
void Sandboxes::tend_zygote(std::size_t index, Clock::time_point now) {
  Pool& pool = pools_[index];
  if (pool.next.id != 0) return;
  const Zygote& zygote = pool.zygote;
  const ZygoteOptions& options = pool.options.zygote;
  if (zygote.id != 0 && zygote.forks < zygote.recycle_after &&
      now - zygote.asked_at < options.recycle_age && zygote.packages == pool.packages) {
    return;
  }
  if (now < pool.packages_since + kPackagesSettle && zygote.id != 0) return;
  if (now < pool.zygote_retry_at) return loop_.wake_at(pool.zygote_retry_at);
  start_zygote(index);
}

void Sandboxes::start_zygote(std::size_t index) {
  Pool& pool = pools_[index];
  Zygote& next = pool.next;
  next = Zygote();
  next.id = next_id_++;
  // Not all zygotes of a host at the same moment.
  const unsigned spread = std::max(1u, pool.options.zygote.recycle_after / 5);
  next.recycle_after = std::max(
      1u, pool.options.zygote.recycle_after - static_cast<unsigned>(random_number() % spread));
  next.asked_at = Clock::now();
  next.packages = pool.packages;
  NewZygote request;
  request.id = next.id;
  const auto copy = [](auto& to, const std::string& from) {
    std::memcpy(to, from.data(), std::min(from.size(), sizeof to - 1));
  };
  copy(request.interpreter, pool.options.zygote.interpreter);
  copy(request.argument, pool.options.zygote.argument);
  const std::array files{pool.options.zygote.script->get(), pool.options.zygote.module->get()};
  if (link_.ask(request, files)) return;
  next.id = 0;
  pool.zygote_retry_at = Clock::now() + kRetryAfterFailure;
  loop_.wake_at(pool.zygote_retry_at);
}

/// It says once how it is; the end of the socket is its death.
void Sandboxes::on_zygote(std::uint32_t id) {
  Doomed doomed;
  std::vector<SandboxRun*> refused;
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::find_if(
        pools_, [&](const Pool& p) { return p.zygote.id == id || p.next.id == id; });
    if (id == 0 || at == pools_.end()) return;
    const auto index = static_cast<std::size_t>(at - pools_.begin());
    const bool is_next = at->next.id == id;
    const int fd = (is_next ? at->next : at->zygote).socket.get();
    alignas(8) std::array<char, 512> buffer;
    Packet packet;
    const ssize_t n = packet.receive(fd, buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    Message message{};
    if (n >= static_cast<ssize_t>(sizeof message)) {
      std::memcpy(&message, buffer.data(), sizeof message);
    }
    if (is_next && message.kind == Kind::kReady) {
      zygote_ready(index, doomed);
    } else if (message.kind == Kind::kFailed && n == sizeof(Failed)) {
      Failed failed;
      std::memcpy(&failed, buffer.data(), sizeof failed);
      zygote_failed(index, failed, refused);
    } else {
      zygote_ended(index, is_next, doomed);
    }
  }
  for (auto* run : refused) fail(run, PODIUM_UNAVAILABLE, "its pool is left out on this host");
}

/// The successor takes over.
void Sandboxes::zygote_ready(std::size_t index, Doomed& doomed) {
  Pool& pool = pools_[index];
  Zygote former = std::exchange(pool.zygote, std::exchange(pool.next, Zygote()));
  if (former.id != 0) {
    ++pool.counts.recycles;
    if (former.packages != pool.zygote.packages) drop_ready(pool, former.id, doomed);
    loop_.forget(former.socket.get());
    pool.former.push_back(std::move(former));
  }
  refill(index);
}

/// The end of its socket tells a former zygote to go: once nobody waits for a fork of it.
void Sandboxes::let_go(Pool& pool) {
  std::erase_if(pool.former, [&](const Zygote& zygote) {
    return std::ranges::none_of(shells_, [&](const auto& entry) {
      return entry.second->zygote == zygote.id && entry.second->state == Shell::State::kMaking;
    });
  });
}

void Sandboxes::zygote_failed(std::size_t index, const Failed& failed,
                              std::vector<SandboxRun*>& refused) {
  Pool& pool = pools_[index];
  std::string what(failed.what, ::strnlen(failed.what, sizeof failed.what));
  if (failed.error != ENOENT) {
    complain(zygote_gate_, "zygote " + pool.options.tier + ": " + what + ": " +
                               std::generic_category().message(failed.error));
    return;  // the end of its socket follows
  }
  host_.warning("tier " + pool.options.tier + " is left out: " + what);
  pool.left_out = true;
  pool.left_out_packages = pool.next.packages;
  pool.next = Zygote();
  refused.assign(pool.waiting.begin(), pool.waiting.end());
  pool.waiting.clear();
}

/// One died, or gave up. Sandboxes that are complete live on.
void Sandboxes::zygote_ended(std::size_t index, bool was_next, Doomed& doomed) {
  Pool& pool = pools_[index];
  const Zygote dead = std::exchange(was_next ? pool.next : pool.zygote, Zygote());
  const auto now = Clock::now();
  // One that has served and is killed costs little time; a series of those that never get so far
  // does not become a storm.
  pool.zygote_failures = !dead.proven                      ? pool.zygote_failures + 1
                         : now - dead.asked_at > kLongLife ? 0
                                                           : 1;
  pool.zygote_retry_at = now + kRetryAfterFailure * std::min(pool.zygote_failures, 20u);
  host_.warning("zygote " + pool.options.tier + " ended; starting another");
  drop_making(dead.id, doomed);
  refill(index);
}

/// Those of a zygote that wait are not used any more.
void Sandboxes::drop_ready(Pool& pool, std::uint32_t zygote, Doomed& doomed) {
  std::erase_if(pool.ready, [&](const std::shared_ptr<Shell>& shell) {
    if (shell->zygote != zygote) return false;
    shell->state = Shell::State::kDead;
    shells_.erase(shell->id);
    doomed.push_back(shell);
    return true;
  });
}

/// Those that were to be forked from a zygote that is no more.
void Sandboxes::drop_making(std::uint32_t zygote, Doomed& doomed) {
  std::erase_if(shells_, [&](const auto& entry) {
    const auto& shell = entry.second;
    if (shell->state != Shell::State::kMaking || shell->zygote != zygote) return false;
    shell->state = Shell::State::kDead;
    --pools_[shell->pool].starting;
    doomed.push_back(shell);
    return true;
  });
}

/// Packages that changed make zygotes old, and a tier that was left out worth another try.
void Sandboxes::look_at_packages(Clock::time_point now, Doomed& doomed) {
  for (auto& pool : pools_) {
    const bool ahead = !pool.options.ahead.interpreter.empty();
    const auto& watched = ahead ? pool.options.ahead.watched : pool.options.zygote.watched;
    if (watched.empty()) continue;
    const std::uint64_t seen = fingerprint(watched);
    if (seen != pool.packages) {
      pool.packages = seen;
      pool.packages_since = now;
    } else if (pool.left_out && pool.left_out_packages != seen &&
               now >= pool.packages_since + kPackagesSettle) {
      pool.left_out = false;
    } else if (ahead && now >= pool.packages_since + kPackagesSettle) {
      drop_outdated(pool, doomed);
    }
  }
}

}  // namespace podium::sandbox
