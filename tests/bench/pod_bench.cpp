// Measures pods without HTTP: a spawner, pools of waiting pods and the runtime's side of them, all
// on this machine. Prints one line of key=value pairs a measurement.
//
//   pod-bench [--spawner=PATH] [--files=DIR] [--tiers=;numpy;numpy,pandas,matplotlib]
//             [--seconds=5] [--rate=20] [--threads=8] [--waiting=8]

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "packet.hpp"
#include "pool_metrics.hpp"
#include "sandboxes.hpp"

extern char** environ;

namespace podium::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string spawner = PODIUM_SPAWNER, files = PODIUM_POD_FILES;
  std::string tiers = ";numpy;numpy,pandas,matplotlib";
  double seconds = 5, rate = 20;
  unsigned threads = 8, waiting = 8;
};

/// The host that a runtime sees, with a spawner of its own behind it.
class BenchHost {
 public:
  explicit BenchHost(const std::string& spawner) {
    char pattern[] = "/tmp/podium-bench-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    ::chmod(directory_.c_str(), 0755);
    std::filesystem::create_directory(directory_ + "/runs");
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) throw std::runtime_error("socketpair");
    ::fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    control_.reset(pair[0]);
    const std::string control = "--control=" + std::to_string(pair[1]);
    const std::string runs = "--runs=" + directory_ + "/runs";
    const char* arguments[] = {spawner.c_str(), control.c_str(), runs.c_str(), nullptr};
    if (::posix_spawn(&pid_, spawner.c_str(), nullptr, nullptr, const_cast<char* const*>(arguments),
                      environ) != 0) {
      throw std::runtime_error("cannot start " + spawner);
    }
    ::close(pair[1]);
    host_.size = sizeof host_;
    host_.ctx = this;
    host_.log = [](void*, std::uint32_t level, podium_bytes text) {
      if (level >= PODIUM_WARNING) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size), text.data);
      }
    };
    host_.get_extension = [](void* self, const char* id) -> const void* {
      return std::string_view(id) == PODIUM_EXT_SANDBOX ? &static_cast<BenchHost*>(self)->extension_
                                                        : nullptr;
    };
    extension_.size = sizeof extension_;
    extension_.ctx = this;
    extension_.connect = [](void* self, int* fd, podium_error*) {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return PODIUM_UNAVAILABLE;
      }
      const bool sent = send_struct(static_cast<BenchHost*>(self)->control_.get(),
                                    PlainAsk{Ask::kConnect}, {&ends[1], 1});
      ::close(ends[1]);
      *fd = ends[0];
      return sent ? PODIUM_OK : PODIUM_UNAVAILABLE;
    };
  }
  ~BenchHost() {
    control_.reset();
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  sdk::Host host() { return sdk::Host(&host_); }

 private:
  std::string directory_;
  sdk::Descriptor control_;
  pid_t pid_ = -1;
  podium_host host_{};
  podium_sandbox extension_{};
};

/// One run from start to release; microseconds until its completion.
class Timed {
 public:
  Timed() {
    callbacks_.size = sizeof callbacks_;
    callbacks_.ctx = this;
    callbacks_.output = [](void* self, std::uint32_t, podium_bytes chunk) {
      static_cast<Timed*>(self)->out_.append(chunk.data, chunk.size);
    };
    callbacks_.completed = [](void* self, const podium_completion* completion) {
      auto* me = static_cast<Timed*>(self);
      const std::lock_guard lock(me->mutex_);
      me->ended_ = Clock::now();
      me->failed_ = completion->code != PODIUM_OK || completion->exit_code != 0;
      me->warm_ = completion->warm != 0;
      me->wall_us_ = static_cast<double>(completion->wall_us);
      me->cpu_us_ = static_cast<double>(completion->cpu_us);
      me->done_ = true;
      me->changed_.notify_all();
    };
  }

  double run(Sandboxes& sandboxes, const std::string& code) {
    const podium_bytes command[] = {sdk::bytes("/usr/bin/python3"), sdk::bytes("{source}")};
    const podium_bytes environment[] = {sdk::bytes("MPLBACKEND=Agg"),
                                        sdk::bytes("PYTHONPATH=/mnt/data"),
                                        sdk::bytes("PYTHONUNBUFFERED=1")};
    const podium_limits limits{sizeof limits, 1000,     30'000,    10'000,     512u << 20,
                               128,           1u << 20, 64u << 20, 512u << 20, 10'000,
                               256,           1u << 30, 256,       2000,       0};
    podium_run run{};
    run.size = sizeof run;
    run.id = sdk::bytes("bbbbbbbbbbbbbbbbbbbbb");
    run.code = sdk::bytes(code);
    run.source_name = sdk::bytes("main.py");
    run.command = command;
    run.command_count = 2;
    run.environment = environment;
    run.environment_count = 3;
    run.workspace = run.output = -1;
    run.limits = &limits;
    podium_lease* lease = nullptr;
    const auto began = Clock::now();
    sandboxes.start(0, sdk::RunView(&run), sdk::Callbacks(&callbacks_), lease);
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_; });
    }
    sandboxes.release(lease);
    return std::chrono::duration<double, std::micro>(ended_ - began).count();
  }
  bool failed() const { return failed_; }
  bool warm() const { return warm_; }
  double wall_us() const { return wall_us_; }
  double cpu_us() const { return cpu_us_; }

 private:
  podium_run_callbacks callbacks_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  Clock::time_point ended_;
  std::string out_;
  double wall_us_ = 0, cpu_us_ = 0;
  bool done_ = false, failed_ = false, warm_ = false;
};

struct Summary {
  std::vector<double> us, inside, cpu;
  unsigned failures = 0, cold = 0;
  void add(double time, const Timed& run) {
    us.push_back(time);
    inside.push_back(run.wall_us());
    cpu.push_back(run.cpu_us());
    failures += run.failed();
    cold += !run.warm();
  }
  double quantile(double q) { return quantile(us, q); }
  static double quantile(std::vector<double>& all, double q) {
    if (all.empty()) return 0;
    std::ranges::sort(all);
    const auto at = static_cast<std::size_t>(q * static_cast<double>(all.size()));
    return all[std::min(all.size() - 1, at)];
  }
};

void wait_until_full(const Sandboxes& sandboxes) {
  while (sandboxes.state(0).available < sandboxes.state(0).target) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// Every pod that waits is a python3 below a pid 1 of ours; kB.
double average_pss() {
  double sum = 0;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string pid, name, state, parent, line;
    if (!(stat >> pid >> name >> state >> parent) || name != "(python3)") continue;
    std::ifstream comm("/proc/" + parent + "/comm");
    if (!std::getline(comm, line) || line != "podium-init") continue;
    std::ifstream smaps(entry.path() / "smaps_rollup");
    while (std::getline(smaps, line)) {
      double kilobytes = 0;
      if (std::sscanf(line.c_str(), "Pss: %lf kB", &kilobytes) == 1) {
        sum += kilobytes;
        ++count;
      }
    }
  }
  return count > 0 ? sum / count : 0;
}

void open_loop(Sandboxes& sandboxes, const Settings& settings, const std::string& tier,
               const char* name, const std::string& code) {
  Summary summary;
  const auto runs = static_cast<unsigned>(settings.seconds * settings.rate);
  const auto began = Clock::now();
  for (unsigned i = 0; i < runs; ++i) {
    std::this_thread::sleep_until(began + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(i / settings.rate)));
    Timed run;
    const double us = run.run(sandboxes, code);
    summary.add(us, run);
  }
  std::printf(
      "tier=%s program=%s rate=%g runs=%u p10_us=%.0f p50_us=%.0f p99_us=%.0f "
      "inside_p50_us=%.0f cpu_p50_us=%.0f failed=%u cold=%u\n",
      tier.c_str(), name, settings.rate, runs, summary.quantile(0.1), summary.quantile(0.5),
      summary.quantile(0.99), Summary::quantile(summary.inside, 0.5),
      Summary::quantile(summary.cpu, 0.5), summary.failures, summary.cold);
  std::fflush(stdout);
}

void closed_loop(Sandboxes& sandboxes, const Settings& settings, const std::string& tier) {
  std::mutex mutex;
  Summary summary;
  const auto end = Clock::now() + std::chrono::duration<double>(settings.seconds);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < settings.threads; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() < end) {
        Timed run;
        const double us = run.run(sandboxes, "print(1)");
        const std::lock_guard lock(mutex);
        summary.add(us, run);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::printf("tier=%s closed_loop=%u runs_per_s=%.0f p50_us=%.0f p99_us=%.0f failed=%u\n",
              tier.c_str(), settings.threads,
              static_cast<double>(summary.us.size()) / settings.seconds, summary.quantile(0.5),
              summary.quantile(0.99), summary.failures);
  std::fflush(stdout);
}

void measure(const Settings& settings, const std::string& modules) {
  const std::string tier = modules.empty() ? "bare" : modules;
  BenchHost bench(settings.spawner);
  PoolOptions pool;
  pool.tier = tier;
  pool.min = pool.max = settings.waiting;
  pool.limits = kFirstLimits;
  pool.zygote.interpreter = "/usr/bin/python3";
  pool.zygote.argument = modules;
  const auto file = [&](const char* name) {
    return std::make_shared<const sdk::Descriptor>(
        ::open((settings.files + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  };
  pool.zygote.script = file("zygote.py");
  pool.zygote.module = file("podium_pod.so");
  Sandboxes sandboxes(bench.host(), {pool});
  wait_until_full(sandboxes);
  std::printf("tier=%s waiting=%u pss_kb=%.0f\n", tier.c_str(), settings.waiting, average_pss());
  open_loop(sandboxes, settings, tier, "print", "print(1)");
  if (modules.find("numpy") != std::string::npos) {
    open_loop(sandboxes, settings, tier, "numpy",
              "import numpy as np\nprint(np.arange(1000).sum())");
  }
  if (modules.find("pandas") != std::string::npos) {
    open_loop(sandboxes, settings, tier, "pandas",
              "import pandas as pd\nprint(pd.DataFrame({'a': range(100)}).describe())");
  }
  if (modules.find("matplotlib") != std::string::npos) {
    Settings slower = settings;
    slower.rate = std::min(slower.rate, 5.0);
    open_loop(sandboxes, slower, tier, "plot",
              "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.savefig('p.png')");
  }
  wait_until_full(sandboxes);
  closed_loop(sandboxes, settings, tier);
  const PoolState state = sandboxes.state(0);
  std::printf(
      "tier=%s refills=%llu refill_ms=%.2f deaths=%llu recycles=%llu\n", tier.c_str(),
      static_cast<unsigned long long>(state.refills),
      state.refill_seconds * 1000 / static_cast<double>(std::max<std::uint64_t>(1, state.refills)),
      static_cast<unsigned long long>(state.deaths),
      static_cast<unsigned long long>(state.recycles));
}

Settings read(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
    if (name == "--spawner")
      settings.spawner = value;
    else if (name == "--files")
      settings.files = value;
    else if (name == "--tiers")
      settings.tiers = value;
    else if (name == "--seconds")
      settings.seconds = std::stod(value);
    else if (name == "--rate")
      settings.rate = std::stod(value);
    else if (name == "--threads")
      settings.threads = static_cast<unsigned>(std::stoul(value));
    else if (name == "--waiting")
      settings.waiting = static_cast<unsigned>(std::stoul(value));
    else
      throw std::runtime_error("unknown argument " + std::string(word));
  }
  return settings;
}

}  // namespace
}  // namespace podium::sandbox

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    const auto settings = podium::sandbox::read(argc, argv);
    std::istringstream tiers(settings.tiers);
    for (std::string tier; std::getline(tiers, tier, ';');) {
      podium::sandbox::measure(settings, tier);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "pod-bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
