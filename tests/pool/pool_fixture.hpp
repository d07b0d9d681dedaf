#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "sandbox/fake_spawner.hpp"
#include "sandbox/recorded_run.hpp"

namespace podium::sandbox {

/// Once on a host that lends its I/O thread, and once on one that does not.
class OnBothHosts : public testing::TestWithParam<bool> {
 protected:
  OnBothHosts() { FakeSpawner::lends_io_thread = GetParam(); }
  ~OnBothHosts() override { FakeSpawner::lends_io_thread = false; }
};
inline std::string host_name(const testing::TestParamInfo<bool>& info) {
  return info.param ? "OnTheHostsThread" : "OnItsOwnThread";
}

inline Program program() {
  Program p;
  p.command = {"/usr/bin/python3", "{source}"};
  p.source = "main.py";
  p.code = "print('out')";
  return p;
}

inline PoolOptions pool_of(unsigned min, unsigned max) {
  PoolOptions pool;
  pool.min = min;
  pool.max = max;
  return pool;
}

/// A pool whose sandboxes come from zygotes.
inline PoolOptions pods_of(unsigned min, unsigned max) {
  PoolOptions pool = pool_of(min, max);
  const auto null =
      std::make_shared<const sdk::Descriptor>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  pool.tier = "bare";
  pool.zygote.interpreter = "/usr/bin/python3";
  pool.zygote.script = null;
  pool.zygote.module = null;
  return pool;
}

/// Polls what no event tells of. False after a minute.
template <class Condition>
bool eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// As many wait as ought to, nothing is being made and nothing runs.
inline bool settled(const Sandboxes& sandboxes, std::size_t pool = 0) {
  return eventually([&] {
    const PoolState s = sandboxes.state(pool);
    return s.available == s.target && s.starting == 0 && s.busy == 0 && s.waiting == 0;
  });
}

}  // namespace podium::sandbox
