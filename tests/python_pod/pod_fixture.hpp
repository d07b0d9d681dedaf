#pragma once
#include <fcntl.h>

#include <string>
#include <vector>

#include "sandbox/spawner_process.hpp"

namespace podium::sandbox {

inline std::shared_ptr<const sdk::Descriptor> open_shared(const std::string& path) {
  return std::make_shared<const sdk::Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

/// A pool of pods with the modules of `tier` imported.
inline PoolOptions pod_pool(const std::string& tier) {
  PoolOptions pool;
  pool.tier = tier.empty() ? "bare" : tier;
  pool.limits = kFirstLimits;
  pool.zygote.interpreter = "/usr/bin/python3";
  pool.zygote.argument = tier;
  pool.zygote.script = open_shared(PODIUM_POD_FILES "/zygote.py");
  pool.zygote.module = open_shared(PODIUM_POD_FILES "/podium_pod.so");
  return pool;
}

/// What python3 programs get by default.
inline Program pod_program(std::string code) {
  Program p = Program::python(std::move(code));
  p.environment = {"PYTHONUNBUFFERED=1", "PYTHONPATH=/mnt/data", "MPLBACKEND=Agg"};
  return p;
}

/// One spawner and a pool of bare pods for the tests of a suite.
class PodTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_FAIL() << "the pod tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
    sandboxes_ = std::make_unique<Sandboxes>(spawner_->host(), std::vector{pod_pool("")});
  }
  static void TearDownTestSuite() {
    sandboxes_.reset();
    for (const auto& line : spawner_->log()) std::fprintf(stderr, "%s\n", line.c_str());
    spawner_.reset();
  }

  static std::unique_ptr<Recorded> run(const Program& program, std::size_t pool = 0) {
    auto recorded = std::make_unique<Recorded>();
    recorded->start(*sandboxes_, program, pool);
    recorded->wait();
    return recorded;
  }

  inline static std::unique_ptr<SpawnerProcess> spawner_;
  inline static std::unique_ptr<Sandboxes> sandboxes_;
};

}  // namespace podium::sandbox
