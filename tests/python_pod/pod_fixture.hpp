#pragma once
#include <fcntl.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/spawner_process.hpp"

namespace podium::sandbox {

inline std::shared_ptr<const sdk::Descriptor> open_shared(const std::string& path) {
  return std::make_shared<const sdk::Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

/// Those of a Program, so that its sandbox is waiting with them: its run goes straight to the pod.
inline constexpr ShellLimits kProgramLimits{512u << 20, 128, 128u << 20, 2000, 1000, 0};

/// A pool of pods with the modules of `tier` imported.
inline PoolOptions pod_pool(const std::string& tier) {
  PoolOptions pool;
  pool.tier = tier.empty() ? "bare" : tier;
  pool.limits = kProgramLimits;
  pool.zygote.interpreter = "/usr/bin/python3";
  pool.zygote.argument = tier;
  pool.zygote.script = open_shared(PODIUM_POD_FILES "/zygote.py");
  pool.zygote.module = open_shared(PODIUM_POD_FILES "/podium_pod.so");
  return pool;
}

/// What python3 programs get by default.
inline Program pod_program(std::string code) {
  Program p = Program::python(std::move(code));
  p.environment = {"MPLBACKEND=Agg", "PYTHONPATH=/mnt/data", "PYTHONUNBUFFERED=1"};
  return p;
}

/// Polls what no event tells of: the state of other processes. False after half a minute.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// A process as proc_pid_stat(5) tells of it.
struct ProcessInfo {
  pid_t pid = 0, parent = 0;
  std::string name;
  char state = 0;
};

inline std::vector<ProcessInfo> all_processes() {
  std::vector<ProcessInfo> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "stat");
    std::string text;
    if (!std::getline(in, text)) continue;
    const auto open = text.find('('), close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos) continue;
    ProcessInfo info;
    info.pid = std::stoi(text);
    info.name = text.substr(open + 1, close - open - 1);
    std::istringstream rest(text.substr(close + 2));
    rest >> info.state >> info.parent;
    all.push_back(info);
  }
  return all;
}

/// The processes of one spawner: its zygotes, the first processes of its sandboxes, its pods.
struct Family {
  std::vector<pid_t> zygotes, inits, pods, others;

  static Family of(pid_t spawner) {
    Family family;
    const auto all = all_processes();
    for (const auto& p : all) {
      if (p.parent != spawner || p.state == 'Z') continue;
      (p.name == "podium-init" ? family.inits : family.zygotes).push_back(p.pid);
    }
    for (const auto& p : all) {
      if (std::ranges::find(family.inits, p.parent) == family.inits.end() || p.state == 'Z')
        continue;
      (p.name == "python3" ? family.pods : family.others).push_back(p.pid);
    }
    return family;
  }
};

/// Sandboxes of its own for each test, on one spawner.
class PodTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_FAIL() << "the pod tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
  }
  void TearDown() override {
    sandboxes_.reset();
    if (HasFailure() && spawner_ != nullptr) {
      for (const auto& line : spawner_->log()) std::fprintf(stderr, "log: %s\n", line.c_str());
    }
    spawner_.reset();
  }

  void make(std::vector<PoolOptions> pools) {
    sandboxes_ = std::make_unique<Sandboxes>(spawner_->host(), std::move(pools));
  }
  /// As many pods wait as are wanted, and nothing is in the making.
  bool full(std::size_t pool = 0) const {
    return eventually([&] {
      const PoolState s = sandboxes_->state(pool);
      return s.zygote_ready && s.available >= s.target && s.starting == 0;
    });
  }
  /// The spawner's processes when so many pods wait. A pod may say that it waits before the process
  /// between it and the zygote has ended, and belongs to its pid 1 only then.
  Family family(std::size_t pods) const {
    EXPECT_TRUE(full());
    Family family;
    EXPECT_TRUE(eventually([&] {
      family = Family::of(spawner_->pid());
      return family.pods.size() == pods && family.others.empty();
    }));
    return family;
  }
  std::unique_ptr<Recorded> run(const Program& program, std::size_t pool = 0) {
    auto recorded = std::make_unique<Recorded>();
    recorded->start(*sandboxes_, program, pool);
    recorded->wait();
    return recorded;
  }
  std::string output(const std::string& code, std::size_t pool = 0) {
    const auto recorded = run(pod_program(code), pool);
    return recorded->end.code == PODIUM_OK ? recorded->out + recorded->err
                                           : "not run: " + recorded->message;
  }
  bool logged(const std::string& part) const {
    for (const auto& line : spawner_->log()) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::unique_ptr<SpawnerProcess> spawner_;
  std::unique_ptr<Sandboxes> sandboxes_;
};

inline PoolOptions small_pool(unsigned size, const std::string& tier = "") {
  PoolOptions pool = pod_pool(tier);
  pool.min = pool.max = size;
  return pool;
}

}  // namespace podium::sandbox
