#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "plugin/plugin_instance.hpp"

using podium::CallGate;

TEST(CallGate, NeverLetsMoreInThanItsBound) {
  CallGate gate(2);
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        CallGate::Place place = gate.enter();
        int now = ++inside;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_LE(most, 2);
}

TEST(CallGate, RefusesInsteadOfWaitingWhenTried) {
  CallGate gate(1);
  CallGate::Place place = gate.try_enter();
  ASSERT_TRUE(place);

  EXPECT_FALSE(gate.try_enter());

  CallGate::Place moved = std::move(place);
  EXPECT_FALSE(gate.try_enter());
  { CallGate::Place ended = std::move(moved); }
  EXPECT_TRUE(gate.try_enter());
}

TEST(CallGate, LetsAnyNumberInWithoutABound) {
  CallGate gate(0);
  CallGate::Place first = gate.enter(), second = gate.try_enter();

  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}
