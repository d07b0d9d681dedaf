#include <atomic>
#include <thread>

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr int kClients = 8;
constexpr int kRunsOfEach = 50;

/// Its zygotes are replaced many times during the test.
PoolOptions busy_pool() {
  PoolOptions pool = pod_pool("numpy,pandas,matplotlib");
  pool.min = 2;
  pool.max = 4;
  pool.starting = 2;
  pool.acquire_timeout = 60s;  // a zygote may be slow to start beside other work
  pool.zygote.recycle_after = 150;
  return pool;
}

// A pod may be done, and its namespace killed, while the zygote is still busy with forking it; and
// a zygote may be replaced while pods are asked of it. Neither may ever stop the making of pods.
TEST(PodsUnderLoad, EveryRunGetsAPodWhileZygotesAreReplaced) {
  ASSERT_EQ(::geteuid(), 0u) << "the pod tests need root";
  SpawnerProcess spawner;
  auto sandboxes = std::make_unique<Sandboxes>(spawner.host(), std::vector{busy_pool()});
  std::atomic<int> completed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < kRunsOfEach; ++n) {
        Recorded run;
        run.start(*sandboxes, pod_program("print(1)"), 0);
        run.wait();
        if (run.end.code == PODIUM_OK && run.out == "1\n") ++completed;
      }
    });
  }
  for (auto& client : clients) client.join();
  const PoolState state = sandboxes->state(0);
  sandboxes.reset();

  EXPECT_EQ(completed, kClients * kRunsOfEach);
  EXPECT_EQ(state.timeouts, 0u);
  EXPECT_EQ(state.deaths, 0u);
  EXPECT_GE(state.recycles, 1u);
  for (const auto& line : spawner.log()) EXPECT_EQ(line.find("lost"), line.npos) << line;
}

}  // namespace
}  // namespace podium::sandbox
