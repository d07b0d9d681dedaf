// Many threads on a small pool: every run ends exactly once, none is forgotten, and no more
// sandboxes are made than are wanted. What goes wrong here goes wrong rarely: run it under
// ThreadSanitizer too.

#include <gtest/gtest.h>

#include "pool_fixture.hpp"

namespace podium::sandbox {
namespace {

class PoolThreads : public OnBothHosts {};

constexpr unsigned kClients = 12;

struct Tally {
  std::atomic<unsigned> good{0}, told{0}, wrong{0};
};

/// `clients` threads with so many runs each, one after the other.
void run_clients(Sandboxes& sandboxes, unsigned clients, unsigned runs, Tally& tally) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      for (unsigned n = 0; n < runs; ++n) {
        Recorded run;
        run.start(sandboxes, program());
        run.wait();
        if (run.completions != 1) {
          ++tally.wrong;
        } else if (run.end.code == PODIUM_OK) {
          ++(run.out == "out\n" ? tally.good : tally.wrong);
        } else {
          ++tally.told;
        }
        run.release();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_P(PoolThreads, EndEveryRunOnceAndForgetNone) {
  FakeSpawner spawner;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 4)});
  Tally tally;

  run_clients(sandboxes, kClients, 150, tally);

  EXPECT_EQ(tally.good, kClients * 150);
  EXPECT_TRUE(settled(sandboxes));
  const PoolState state = sandboxes.state(0);
  EXPECT_EQ(state.hits + state.misses, kClients * 150u);
  EXPECT_EQ(state.deaths, 0u);
}

TEST_P(PoolThreads, MakeNoMoreSandboxesThanAreWanted) {
  FakeSpawner spawner;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 4)});
  Tally tally;

  run_clients(sandboxes, kClients, 150, tally);
  ASSERT_TRUE(settled(sandboxes));

  // At any moment the stock, and one for each run that waits.
  EXPECT_LE(spawner.most_idle, 4 + kClients);
  // Each run took one; the rest waits now.
  EXPECT_EQ(spawner.made, kClients * 150u + sandboxes.state(0).target);
  EXPECT_TRUE(eventually([&] { return spawner.idle == sandboxes.state(0).target; }));
}

TEST_P(PoolThreads, HandOnEachSandboxToARunThatWaits) {
  FakeSpawner spawner;
  spawner.holds = true;
  Sandboxes sandboxes(spawner.host(), {pool_of(1, 1)});
  std::vector<std::unique_ptr<Recorded>> runs;
  for (int i = 0; i < 300; ++i) {
    runs.push_back(std::make_unique<Recorded>());
    runs.back()->start(sandboxes, program());
  }
  EXPECT_EQ(sandboxes.state(0).waiting, 300u);
  EXPECT_LE(sandboxes.state(0).starting, 4u);

  spawner.give();

  for (auto& run : runs) {
    run->wait();
    EXPECT_EQ(run->out, "out\n");
  }
  runs.clear();
  EXPECT_TRUE(settled(sandboxes));
  EXPECT_EQ(spawner.made, 301u);
}

TEST_P(PoolThreads, SurviveThatEverythingDiesAtEveryMoment) {
  FakeSpawner spawner({.making = 10,
                       .before_ready = 20,
                       .idle = 50,
                       .unread = 50,
                       .running = 50,
                       .zygote = 10,
                       .spawner = 2});
  Sandboxes sandboxes(spawner.host(), {pods_of(2, 8)});
  Tally tally;

  run_clients(sandboxes, kClients, 60, tally);

  EXPECT_EQ(tally.wrong, 0u);
  EXPECT_EQ(tally.good + tally.told, kClients * 60);
  EXPECT_GT(tally.good, kClients * 40u);
  EXPECT_EQ(sandboxes.state(0).busy, 0u);
  EXPECT_EQ(sandboxes.state(0).waiting, 0u);
}

TEST_P(PoolThreads, CancelAtEveryMomentAndHearOfItOnce) {
  FakeSpawner spawner({.idle = 20, .unread = 20});
  spawner.on_run = [](int, std::uint64_t, int) { return true; };  // until it is cancelled
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 4)});
  std::vector<std::thread> clients;
  std::atomic<unsigned> cancelled{0}, other{0};
  for (unsigned i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      for (unsigned n = 0; n < 60; ++n) {
        Recorded run;
        run.start(sandboxes, program());
        for (unsigned turn = 0; turn < (n * 7 + i) % 30; ++turn) std::this_thread::yield();
        run.cancel();
        run.wait();
        // A sandbox that dies twice under a run is told as such.
        ++(run.completions == 1 &&
                   (run.end.code == PODIUM_CANCELLED || run.end.code == PODIUM_INTERNAL)
               ? cancelled
               : other);
      }
    });
  }
  for (auto& client : clients) client.join();

  EXPECT_EQ(cancelled, kClients * 60);
  EXPECT_EQ(other, 0u);
  EXPECT_TRUE(settled(sandboxes));
}

TEST_P(PoolThreads, LeaveLateRunsToTheNextRuntimeEachOnce) {
  FakeSpawner spawner;
  PoolOptions pool = pool_of(1, 2);
  pool.acquire_timeout = std::chrono::milliseconds(5);
  pool.starting = 1;
  spawner.on_run = [](int control, std::uint64_t nonce, int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // slower than they come
    RunEnd end;
    end.message.nonce = nonce;
    send_struct(control, end);
    return true;
  };
  Sandboxes sandboxes(spawner.host(), {pool});
  std::vector<std::thread> clients;
  std::atomic<unsigned> served{0}, late{0}, other{0};
  for (unsigned i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (unsigned n = 0; n < 20; ++n) {
        Recorded run;
        run.start(sandboxes, program());
        run.wait();
        const bool once = run.completions == 1;
        ++(once && run.end.code == PODIUM_OK            ? served
           : once && run.end.code == PODIUM_UNAVAILABLE ? late
                                                        : other);
      }
    });
  }
  for (auto& client : clients) client.join();

  EXPECT_EQ(served + late, kClients * 20);
  EXPECT_EQ(other, 0u);
  EXPECT_EQ(sandboxes.state(0).timeouts, late);
  EXPECT_TRUE(settled(sandboxes));
}

INSTANTIATE_TEST_SUITE_P(, PoolThreads, testing::Bool(), host_name);

}  // namespace
}  // namespace podium::sandbox
