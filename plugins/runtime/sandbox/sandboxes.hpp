#pragma once
#include <podium/sdk/host.hpp>
#include <podium/sdk/runtime.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event_loop.hpp"
#include "log_gate.hpp"
#include "pool_size.hpp"
#include "prompt_events.hpp"
#include "sandbox_run.hpp"
#include "spawner_link.hpp"

namespace podium::sandbox {

/// A template interpreter of a pool; see zygote.hpp.
struct ZygoteOptions {
  std::string interpreter;  ///< empty: the pool has no zygote, its shells run jobs
  std::shared_ptr<const sdk::Descriptor> script, module;  ///< see NewZygote
  std::string argument;
  unsigned recycle_after = 500;  ///< forks, less up to a fifth at random
  std::chrono::seconds recycle_age{3600};
  std::vector<std::string> watched;  ///< paths; when one changes, the zygote is replaced
};

/// An interpreter that is executed in each sandbox of a pool ahead of its run; see ahead.hpp.
struct AheadOptions {
  std::string interpreter;  ///< empty: there is none. A pool has this or a zygote
  std::shared_ptr<const sdk::Descriptor> payload;  ///< of describe_ahead
  std::vector<std::string> watched;  ///< paths; when one changes, what waits is replaced
};

/// An AheadPayload: the script is placed under `name`, the command executed. Throws sdk::Error.
std::shared_ptr<const sdk::Descriptor> describe_ahead(std::string_view name,
                                                      std::string_view script,
                                                      const std::vector<std::string>& command,
                                                      const std::vector<std::string>& environment);

/// Sandboxes of one sort that are kept waiting.
struct PoolOptions {
  std::string tier = "job";                          ///< for metrics and logs
  unsigned min = 2, max = 8;                         ///< how many wait
  unsigned starting = 4;                             ///< made at a time
  std::chrono::milliseconds acquire_timeout{-1};     ///< a run waits so long for one; -1: for ever
  std::chrono::milliseconds ping_interval{15'000};   ///< given up after two unanswered pings
  std::chrono::milliseconds making_timeout{20'000};  ///< one that takes longer is given up
  ShellLimits limits;  ///< of the first ones; later those of the last run
  ZygoteOptions zygote;
  AheadOptions ahead;
};

/// Whether proc_meminfo(5) says that so little is available that nothing should be kept in stock.
bool host_memory_is_short() noexcept;

/// What a pool has done and holds.
struct PoolState {
  unsigned available = 0, busy = 0, target = 0, starting = 0, waiting = 0;
  std::uint64_t hits = 0, misses = 0, deaths = 0, recycles = 0, timeouts = 0;
  double refill_seconds = 0;
  std::uint64_t refills = 0;
  bool zygote_ready = true;
  bool left_out = false;  ///< its zygote or interpreter is not on this host; no run is given to it
};

/// The sandboxes of one runtime: keeps them waiting, gives runs to them, hears how they end.
///
/// What a sandbox's pid 1 says while it waits for a run or has one is heard on the host's I/O
/// thread, when the host lends it: an answer waits for the last word. All else happens on the
/// loop's thread. A sandbox is used once.
/// Refill is driven by events: a sandbox taken, made, or dead. As long as others wait, it leaves
/// the first milliseconds to the run that took one. Destruction happens outside the lock and after
/// the host has released the run. Any thread.
class Sandboxes {
 public:
  /// Throws sdk::Error when the spawner cannot be reached. `memory_is_short` is asked once a second
  /// on the loop's thread.
  Sandboxes(sdk::Host host, std::vector<PoolOptions> pools,
            std::function<bool()> memory_is_short = host_memory_is_short);
  ~Sandboxes();  ///< every lease has been released

  /// See podium_runtime.start. `pool` is an index into the constructor's list.
  void start(std::size_t pool, const sdk::RunView& view, const sdk::Callbacks& callbacks,
             podium_lease*& lease);
  void cancel(podium_lease* lease) noexcept;
  void release(podium_lease* lease) noexcept;
  /// See podium_run_input and podium_output_flow.
  void write_input(podium_lease* lease, std::string_view data);
  void close_input(podium_lease* lease) noexcept;
  void signal(podium_lease* lease, int number);
  void hold_output(podium_lease* lease, bool held) noexcept;

  PoolState state(std::size_t pool) const;
  /// False while the pool is left out.
  bool usable(std::size_t pool) const;
  const std::vector<PoolOptions>& options() const noexcept { return options_; }
  const std::string& unenforced() const noexcept { return unenforced_; }
  const std::string& facts() const noexcept { return facts_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Zygote {
    std::uint32_t id = 0;  ///< 0: there is none
    sdk::Descriptor socket;
    unsigned forks = 0, recycle_after = 0;
    bool proven = false;  ///< a sandbox of it has become ready
    Clock::time_point asked_at;
    std::uint64_t packages = 0;  ///< what the watched paths looked like when it was started
  };
  struct Pool {
    explicit Pool(const PoolOptions& o) : options(o), size(o.min, o.max, Clock::now()) {}
    PoolOptions options;
    PoolSize size;
    std::vector<std::shared_ptr<Shell>> ready;  // the newest is taken first
    std::deque<SandboxRun*> waiting;
    unsigned starting = 0;
    Clock::time_point retry_at{};   // after failures to make one
    unsigned making_failures = 0;   // in a row
    Clock::time_point refill_at{};  // a run has just taken one, and has the processors for itself
    Zygote zygote;                  // pods are forked from this one
    Zygote next;                    // being started; takes the other's place when it is ready
    std::vector<Zygote> former;  // replaced; they go when they have forked what was asked of them
    Clock::time_point zygote_retry_at{};
    unsigned zygote_failures = 0;
    std::uint64_t packages = 0;  // of the watched paths, at the last look
    Clock::time_point packages_since{};
    bool left_out = false;
    std::uint64_t left_out_packages = 0;
    PoolState counts;
  };
  using Doomed = std::vector<std::shared_ptr<Shell>>;  // destroyed after the lock is left

  void on_event(std::uint64_t tag);
  void on_wake();
  void on_tick();
  void on_spawner();
  void on_made(const ShellMade& made, int descriptor);
  void on_control(const std::shared_ptr<Shell>& shell);
  void on_ready(const std::shared_ptr<Shell>& shell, class Packet& packet);
  void on_output(const std::shared_ptr<Shell>& shell, std::uint32_t stream);
  void on_input(const std::shared_ptr<Shell>& shell);
  void want_input(SandboxRun& run);
  void unwatch_input(SandboxRun& run);
  static bool pass_input(SandboxRun& run, Shell& shell);
  void hear(Shell& shell);
  void on_going_on(Shell& shell);
  void on_end(const std::shared_ptr<Shell>& shell, const RunEnd& end, class Packet& packet);
  void on_lost(const std::shared_ptr<Shell>& shell, bool run_unread);
  void on_zygote(std::uint32_t id);
  void zygote_ready(std::size_t pool, Doomed& doomed);
  void zygote_failed(std::size_t pool, const Failed& failed, std::vector<SandboxRun*>& refused);
  void zygote_ended(std::size_t pool, bool was_next, Doomed& doomed);

  Sent assign(SandboxRun& run, std::shared_ptr<Shell> shell);
  std::shared_ptr<Shell> take(Pool& pool);
  void place(SandboxRun& run);
  void refill(std::size_t pool);
  void refill_after_run(std::size_t pool);
  void making_failed(Pool& pool);
  void start_zygote(std::size_t pool);
  void tend_zygote(std::size_t pool, Clock::time_point now);
  void look_at_packages(Clock::time_point now, Doomed& doomed);
  bool can_execute_ahead(Pool& pool);
  void drop_outdated(Pool& pool, Doomed& doomed);
  void let_go(Pool& pool);
  void drop_ready(Pool& pool, std::uint32_t zygote, Doomed& doomed);
  void drop_making(std::uint32_t zygote, Doomed& doomed);
  void fail(SandboxRun* run, podium_code code, const std::string& message);
  void refuse(const std::vector<SandboxRun*>& late);
  void give_up_waiting(Clock::time_point now, std::vector<SandboxRun*>& late);
  unsigned stock(const Pool& pool) const;
  void trim(Pool& pool, Doomed& doomed);
  void check_health(Clock::time_point now, Doomed& doomed, Doomed& lost);
  void give_up_idle(const std::shared_ptr<Shell>& shell, Doomed& doomed);
  void give_up_making(const std::shared_ptr<Shell>& shell, Doomed& doomed);
  void ask_to_kill(const Shell& shell);
  void complain(LogGate& gate, const std::string& message);
  void lost_spawner();
  void wait_until_sent(const Shell& shell);
  SandboxRun* run_of(const Shell& shell) const;
  std::shared_ptr<Shell> find(std::uint32_t id) const;

  sdk::Host host_;
  std::vector<PoolOptions> options_;
  mutable std::mutex mutex_;
  std::condition_variable sent_;  // a shell is no longer `sending`
  SpawnerLink link_;
  std::vector<Pool> pools_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Shell>> shells_;
  std::uint32_t next_id_ = 1;
  std::function<bool()> probe_memory_;
  bool memory_is_short_ = false;
  LogGate lost_gate_, making_gate_, stuck_gate_, zygote_gate_;
  bool stopping_ = false;
  std::string unenforced_, facts_;
  PromptEvents prompt_;
  EventLoop loop_;  // last: its thread ends first
};

}  // namespace podium::sandbox
