// What a pool does over time: health, recycling, tiers that are left out, memory, logs.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <map>
#include <set>

#include "log_gate.hpp"
#include "pool_fixture.hpp"
#include "pool_metrics.hpp"

namespace podium::sandbox {
namespace {

class Pool : public OnBothHosts {};

using namespace std::chrono_literals;

void run_once(Sandboxes& sandboxes, std::size_t pool = 0) {
  Recorded run;
  run.start(sandboxes, program(), pool);
  run.wait();
  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
}

bool logged(FakeSpawner& spawner, const std::string& part) {
  for (const auto& line : spawner.log()) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

// ---------------------------------------------------------------- what dies

TEST_P(Pool, TriesAnotherSandboxOnceWhenOneDiesWithTheRunUnread) {
  FakeSpawner spawner({.unread = 1000});
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));

  Recorded run;
  run.start(sandboxes, program());
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_INTERNAL) << "both sandboxes died, which is told after the second";
  EXPECT_EQ(run.completions, 1);
  EXPECT_EQ(spawner.runs, 0u);
  EXPECT_TRUE(logged(spawner, "the sandbox died before it took the run; trying another"));
  const PoolState state = sandboxes.state(0);
  EXPECT_EQ(state.hits + state.misses, 1u) << "a second try is not another run";
}

TEST_P(Pool, GivesTheNextSandboxAllInputAndWhatComesAfterIt) {
  FakeSpawner spawner;
  std::promise<std::string> all;
  spawner.on_input = [&](int input) {
    std::string read;
    char buffer[4096];
    for (ssize_t n = 1; n != 0;) {
      pollfd event{input, POLLIN, 0};
      ::poll(&event, 1, -1);
      n = ::read(input, buffer, sizeof buffer);
      if (n > 0) read.append(buffer, static_cast<std::size_t>(n));
    }
    all.set_value(read);
  };
  spawner.deaths_unread = 1;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));
  Program talkative = program();
  talkative.input = "first ";
  talkative.open_input = true;

  Recorded run;
  run.start(sandboxes, talkative);
  ASSERT_TRUE(eventually([&] { return spawner.runs == 1; }));
  ASSERT_TRUE(run.write_input("second"));
  run.close_input();
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK) << run.message;
  EXPECT_EQ(all.get_future().get(), "first second");
}

TEST_P(Pool, ForgetsTheInputThatAnEndedRunHasNotRead) {
  FakeSpawner spawner;
  spawner.on_run = [](int control, std::uint64_t nonce, int) {
    RunEnd end;
    end.message.nonce = nonce;
    send_struct(control, end);
    return false;  // pid 1 ends, and with it the reading end of stdin
  };
  Sandboxes sandboxes(spawner.host(), {pool_of(1, 1)});
  ASSERT_TRUE(settled(sandboxes));
  Program unread = program();
  unread.input = std::string(1u << 20, 'x');
  Recorded run;
  run.start(sandboxes, unread);
  run.wait();
  ASSERT_TRUE(settled(sandboxes));

  // The least of several times: what else the pool has to do ends, a loop that is woken again and
  // again does not, and has its share also where others want the processors.
  double least = 1;
  for (int i = 0; i < 8; ++i) {
    const std::clock_t before = std::clock();  // processor time of all threads
    std::this_thread::sleep_for(50ms);
    least = std::min(least, static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
  }

  EXPECT_LT(least, 0.005) << "the loop is woken again and again for a run that is over";
}

TEST_P(Pool, RefillsThoughNoSandboxCanBeMadeWithTheLimitsOfTheLastRun) {
  FakeSpawner spawner;
  spawner.refused_cpu_millis = 7777;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));
  Program odd = program();
  odd.limits.cpu_millis = 7777;

  Recorded run;
  run.start(sandboxes, odd);
  run.wait();

  EXPECT_TRUE(settled(sandboxes));
}

TEST_P(Pool, MakesNoSandboxWithAShareThatItsMakingWouldTakeLongWith) {
  FakeSpawner spawner;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));
  Program slow = program();
  slow.limits.cpu_millis = 10;

  Recorded run;
  run.start(sandboxes, slow);
  run.wait();
  ASSERT_TRUE(settled(sandboxes));

  EXPECT_GE(spawner.asked_cpu_millis, 500u);
}

TEST_P(Pool, SpendsNoSandboxOnARunThatItHasNoDescriptorFor) {
  FakeSpawner spawner;
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));
  const unsigned made = spawner.made;
  Program large = program();
  large.code = std::string(2 * kInlinePayload, '#');
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const int lowest = ::dup(0);
  ::close(lowest);
  const rlimit none_left{static_cast<rlim_t>(lowest), usual.rlim_max};

  Recorded run;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  podium_code code = PODIUM_OK;
  try {
    run.start(sandboxes, large);
  } catch (const sdk::Error& e) {
    code = e.code();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);

  EXPECT_EQ(code, PODIUM_UNAVAILABLE);
  EXPECT_EQ(spawner.made, made);
  Recorded next;
  next.start(sandboxes, large);
  next.wait();
  EXPECT_EQ(next.end.code, PODIUM_OK) << next.message;
}

TEST_P(Pool, DoesNotStartARunAgainThatMayHaveBegun) {
  FakeSpawner spawner({.running = 1000});
  Sandboxes sandboxes(spawner.host(), {pool_of(2, 2)});

  Recorded run;
  run.start(sandboxes, program());
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_INTERNAL);
  EXPECT_EQ(spawner.runs, 1u);
}

TEST_P(Pool, GivesUpASandboxThatIsSilentTwice) {
  FakeSpawner spawner;
  PoolOptions pool = pool_of(2, 2);
  pool.ping_interval = 500ms;
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(settled(sandboxes));
  const auto began = std::chrono::steady_clock::now();

  spawner.silent = true;
  ASSERT_TRUE(eventually([&] { return sandboxes.state(0).deaths >= 2; }));
  const auto took = std::chrono::steady_clock::now() - began;
  spawner.silent = false;

  EXPECT_GE(took, 1000ms) << "one silence is not enough";
  EXPECT_TRUE(settled(sandboxes));
  EXPECT_GE(spawner.kills, 2u);
  EXPECT_TRUE(logged(spawner, "a sandbox that waits was silent twice"));
}

TEST_P(Pool, KeepsASandboxThatAnswers) {
  FakeSpawner spawner;
  PoolOptions pool = pool_of(2, 2);
  pool.ping_interval = 1ms;
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(settled(sandboxes));

  ASSERT_TRUE(eventually([&] { return spawner.pongs >= 8; })) << "four each, one a second";

  EXPECT_EQ(sandboxes.state(0).deaths, 0u);
  EXPECT_EQ(spawner.made, 2u);
}

TEST_P(Pool, ReplacesAZygoteThatMakesNothingAnyMore) {
  FakeSpawner spawner;
  PoolOptions pool = pods_of(1, 1);
  pool.making_timeout = 500ms;
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(settled(sandboxes));

  spawner.holds = true;
  run_once(sandboxes);  // what is made in its place does not come
  ASSERT_TRUE(eventually([&] { return spawner.zygotes >= 2; }));
  spawner.give();

  EXPECT_TRUE(settled(sandboxes));
  run_once(sandboxes);
}

TEST_P(Pool, AnswersARunWhoseSandboxNobodyCanKill) {
  FakeSpawner spawner;
  spawner.on_run = [](int, std::uint64_t, int) { return true; };  // never ends
  spawner.knows_nothing = true;
  Sandboxes sandboxes(spawner.host(), {pool_of(1, 1)});
  Program stuck = program();
  stuck.limits.wall_ms = 1;
  stuck.limits.compile_wall_ms = 1;
  Recorded run;
  run.start(sandboxes, stuck);

  run.wait();  // the wall's limit, five seconds of grace, and two that a kill may take

  EXPECT_EQ(run.end.code, PODIUM_INTERNAL);
  EXPECT_EQ(spawner.kills, 1u);
}

TEST_P(Pool, BelievesNoTimesThatCannotBe) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(),
                         kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t time : {kLeast, std::int64_t{-1}, kMost}) {
    FakeSpawner spawner;
    spawner.on_run = [time](int control, std::uint64_t nonce, int) {
      RunEnd end;
      end.message.nonce = nonce;
      end.wall_us = end.cpu_us = time;
      send_struct(control, end);
      return true;
    };
    Sandboxes sandboxes(spawner.host(), {pool_of(1, 1)});
    Recorded run;
    run.start(sandboxes, program());

    run.wait();

    EXPECT_GE(run.end.wall_us, 0);
    EXPECT_LT(run.end.wall_us, 120'000'000) << "it has not taken so long";
    EXPECT_GE(run.end.start_us, 0);
    EXPECT_LT(run.end.start_us, 120'000'000);
    EXPECT_GE(run.end.cpu_us, 0);
  }
}

// ---------------------------------------------------------------- zygotes

TEST_P(Pool, ReplacesAZygoteAfterSoManyForksLessUpToAFifth) {
  FakeSpawner spawner;
  PoolOptions pool = pods_of(1, 1);
  pool.zygote.recycle_after = 20;
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(settled(sandboxes));

  std::vector<unsigned> forks;
  for (unsigned seen = 1; forks.size() < 8;) {
    const unsigned before = spawner.made;
    while (spawner.zygotes == seen) {
      ASSERT_TRUE(settled(sandboxes));
      run_once(sandboxes);
      ASSERT_TRUE(settled(sandboxes));
    }
    forks.push_back(spawner.made - before);
    seen = spawner.zygotes;
  }

  for (std::size_t i = 1; i < forks.size(); ++i) {
    EXPECT_GE(forks[i], 15u) << "of generation " << i;
    EXPECT_LE(forks[i], 22u) << "of generation " << i;
  }
  EXPECT_GT(std::set<unsigned>(forks.begin() + 1, forks.end()).size(), 1u)
      << "all at the same count";
  EXPECT_TRUE(eventually([&] { return sandboxes.state(0).recycles == spawner.zygotes - 1; }));
}

TEST_P(Pool, ReplacesAZygoteOfAnAge) {
  FakeSpawner spawner;
  PoolOptions pool = pods_of(1, 1);
  pool.zygote.recycle_age = 1s;
  Sandboxes sandboxes(spawner.host(), {pool});

  EXPECT_TRUE(eventually([&] { return sandboxes.state(0).recycles >= 2; }));

  EXPECT_EQ(spawner.made, 1u) << "what waits is as good as before";
}

TEST_P(Pool, ReplacesZygoteAndStockWhenPackagesChange) {
  const std::string folder = "/tmp/podium-pool-test-" + std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  FakeSpawner spawner;
  PoolOptions pool = pods_of(2, 2);
  pool.zygote.watched = {folder};
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(settled(sandboxes));
  ASSERT_EQ(spawner.zygotes, 1u);

  std::ofstream(folder + "/package") << "new";

  EXPECT_TRUE(eventually([&] { return sandboxes.state(0).recycles == 1; }));
  EXPECT_TRUE(eventually([&] { return spawner.made >= 4 && spawner.idle == 2; }));
  std::filesystem::remove_all(folder);
}

TEST_P(Pool, LeavesOutATierWhosePackagesAreMissingAndSaysSo) {
  FakeSpawner spawner;
  spawner.zygote_error = ENOENT;
  PoolOptions missing = pods_of(1, 1);
  missing.tier = "numpy,missing";
  Sandboxes sandboxes(spawner.host(), {pool_of(1, 1), missing});

  ASSERT_TRUE(eventually([&] { return sandboxes.state(1).left_out; }));

  EXPECT_FALSE(sandboxes.usable(1));
  EXPECT_TRUE(sandboxes.usable(0));
  EXPECT_TRUE(logged(spawner, "tier numpy,missing is left out: import something"));
  EXPECT_NE(state_json(sandboxes.state(1)).find("\"left_out\":true"), std::string::npos);
  Recorded run;
  run.start(sandboxes, program(), 1);
  run.wait();
  EXPECT_EQ(run.end.code, PODIUM_UNAVAILABLE);
}

TEST_P(Pool, TriesATierAgainWhenItsPackagesHaveComeSince) {
  const std::string folder = "/tmp/podium-pool-tier-" + std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  FakeSpawner spawner;
  spawner.zygote_error = ENOENT;
  PoolOptions pool = pods_of(1, 1);
  pool.zygote.watched = {folder};
  Sandboxes sandboxes(spawner.host(), {pool});
  ASSERT_TRUE(eventually([&] { return sandboxes.state(0).left_out; }));

  spawner.zygote_error = 0;
  std::ofstream(folder + "/package") << "new";

  EXPECT_TRUE(eventually([&] { return sandboxes.usable(0) && sandboxes.state(0).available == 1; }));
  std::filesystem::remove_all(folder);
}

// ---------------------------------------------------------------- how many

TEST_P(Pool, LetsGoOfTheStockButForOneWhenMemoryIsShortAndTakesItUpAgain) {
  FakeSpawner spawner;
  std::atomic<bool> is_short{false};
  Sandboxes sandboxes(spawner.host(), {pool_of(6, 6)}, [&] { return is_short.load(); });
  ASSERT_TRUE(settled(sandboxes));

  is_short = true;
  EXPECT_TRUE(eventually([&] { return spawner.idle == 1; }));
  run_once(sandboxes);
  EXPECT_TRUE(eventually([&] { return sandboxes.state(0).available == 1; }));
  is_short = false;

  EXPECT_TRUE(eventually([&] { return spawner.idle == 6; }));
  EXPECT_TRUE(logged(spawner, "memory of the host is short"));
}

TEST_P(Pool, ServesRunsThatWaitEvenWhenMemoryIsShortWhileItRefills) {
  FakeSpawner spawner({.making = 300});
  Sandboxes sandboxes(spawner.host(), {pool_of(4, 4)}, [] { return true; });

  for (int i = 0; i < 10; ++i) run_once(sandboxes);

  EXPECT_TRUE(eventually([&] { return sandboxes.state(0).available == 1; }));
  // One may have been given its run and not have read it when the next is there.
  EXPECT_LE(spawner.most_idle, 4u + 1u);
}

TEST_P(Pool, LogsTheSameComplaintOnceInAWhile) {
  FakeSpawner spawner({.making = 1000});
  Sandboxes sandboxes(spawner.host(), {pool_of(4, 4)});
  ASSERT_TRUE(eventually([&] { return spawner.made >= 12; }));

  unsigned complaints = 0;
  for (const auto& line : spawner.log()) {
    complaints += line.find("could not make a sandbox") != std::string::npos;
  }

  EXPECT_EQ(complaints, 1u);
}

TEST(LogGateTest, PassesTheFirstAndThenOneAnIntervalWithTheNumberHeldBack) {
  LogGate gate;
  const LogGate::Clock::time_point now{1h};

  EXPECT_EQ(gate.pass("a", now), "a");
  EXPECT_EQ(gate.pass("b", now + 9s), std::nullopt);
  EXPECT_EQ(gate.pass("c", now + 9s), std::nullopt);
  EXPECT_EQ(gate.pass("d", now + 10s), "d (and 2 more like it since the last one)");
  EXPECT_EQ(gate.pass("e", now + 20s), "e");
}

// ---------------------------------------------------------------- what is told

TEST_P(Pool, CountsByTier) {
  FakeSpawner spawner;
  Sandboxes sandboxes(spawner.host(), {pods_of(2, 2)});
  ASSERT_TRUE(settled(sandboxes));
  run_once(sandboxes);
  ASSERT_TRUE(settled(sandboxes));

  const PoolState state = sandboxes.state(0);

  EXPECT_EQ(state.available, 2u);
  EXPECT_EQ(state.target, 2u);
  EXPECT_EQ(state.hits, 1u);
  EXPECT_EQ(state.misses, 0u);
  EXPECT_EQ(state.refills, 3u);
  EXPECT_GT(state.refill_seconds, 0.0);
  const std::string json = state_json(state);
  for (const char* name : {"available", "busy", "target", "hits", "misses", "waiting", "deaths",
                           "recycles", "refills", "refill_ms"}) {
    EXPECT_NE(json.find("\"" + std::string(name) + "\":"), std::string::npos) << json;
  }
}

TEST_P(Pool, TellsTheSameAsMetricsByTier) {
  FakeSpawner spawner;
  PoolOptions full = pods_of(1, 1);
  full.tier = "numpy,pandas";
  Sandboxes sandboxes(spawner.host(), {pods_of(2, 2), full});
  ASSERT_TRUE(settled(sandboxes, 0));
  ASSERT_TRUE(settled(sandboxes, 1));
  run_once(sandboxes, 1);
  ASSERT_TRUE(settled(sandboxes, 1));
  std::map<std::string, double> values;

  collect_metrics(sandboxes, {&values, [](void* to, const podium_metric* metric) {
                                (*static_cast<std::map<std::string, double>*>(
                                    to))[std::string(metric->name) + "{" + metric->labels + "}"] =
                                    metric->value;
                              }});

  EXPECT_EQ(values["podium_pool_available{tier=\"bare\"}"], 2);
  EXPECT_EQ(values["podium_pool_target{tier=\"bare\"}"], 2);
  EXPECT_EQ(values["podium_pool_hits_total{tier=\"bare\"}"], 0);
  EXPECT_EQ(values["podium_pool_hits_total{tier=\"numpy,pandas\"}"], 1);
  EXPECT_EQ(values["podium_pool_refills_total{tier=\"numpy,pandas\"}"], 2);
  EXPECT_GT(values["podium_pool_refill_seconds_total{tier=\"numpy,pandas\"}"], 0);
  for (const char* name : {"busy", "starting", "waiting", "misses_total", "timeouts_total",
                           "deaths_total", "recycles_total"}) {
    EXPECT_TRUE(values.contains("podium_pool_" + std::string(name) + "{tier=\"bare\"}")) << name;
  }
}

TEST_P(Pool, CallsARunWarmWhenItsInterpreterWasThereBeforeIt) {
  FakeSpawner spawner;
  spawner.holds = true;
  Sandboxes sandboxes(spawner.host(), {pool_of(1, 1), pods_of(1, 1)});
  Recorded job, pod;
  job.start(sandboxes, program(), 0);
  pod.start(sandboxes, program(), 1);
  spawner.give();
  job.wait();
  pod.wait();

  EXPECT_EQ(job.end.warm, 0u);
  EXPECT_EQ(pod.end.warm, 1u) << "though it waited for it";
}

// ---------------------------------------------------------------- the host's I/O thread

/// The first run ends when it is told to, later ones at once.
struct HeldRun {
  FakeSpawner spawner;
  std::promise<std::pair<int, std::uint64_t>> begun;
  bool first = true;  ///< the fake's thread's

  HeldRun() {
    spawner.on_run = [this](int control, std::uint64_t nonce, int) {
      if (!std::exchange(first, false)) {
        end({control, nonce});
      } else {
        // The fake closes its own when the run is over, beside the thread that ends it.
        begun.set_value({::fcntl(control, F_DUPFD_CLOEXEC, 0), nonce});
      }
      return true;
    };
  }
  static void end_first(const std::pair<int, std::uint64_t>& pid_one) {
    end(pid_one);
    ::close(pid_one.first);
  }
  static void end(const std::pair<int, std::uint64_t>& pid_one) {
    RunEnd end;
    end.message.nonce = pid_one.second;
    send_struct(pid_one.first, end);
  }
};

TEST_P(Pool, HearsOfTheEndOnTheHostsThreadWhenThatIsLent) {
  HeldRun held;
  Sandboxes sandboxes(held.spawner.host(), {pool_of(1, 1)});
  Recorded run;
  run.start(sandboxes, program());

  held.end_first(held.begun.get_future().get());
  run.wait();

  const auto* host = held.spawner.io_thread();
  EXPECT_NE(run.told_by, std::this_thread::get_id());
  EXPECT_EQ(host != nullptr, GetParam());
  EXPECT_TRUE(host == nullptr || run.told_by == host->id());
}

TEST_P(Pool, HearsOfTheEndThoughTheHostsThreadEndedBeforeIt) {
  HeldRun held;
  Sandboxes sandboxes(held.spawner.host(), {pool_of(1, 1)});
  Recorded run;
  run.start(sandboxes, program());
  const auto pid_one = held.begun.get_future().get();

  if (auto* host = held.spawner.io_thread()) host->end();
  held.end_first(pid_one);
  run.wait();

  EXPECT_EQ(run.end.code, PODIUM_OK);
  run_once(sandboxes);
}

TEST_P(Pool, LeavesTheHostsThreadAloneAfterItsEnd) {
  FakeSpawner spawner;
  const auto watches = [&] {
    return spawner.io_thread() != nullptr ? spawner.io_thread()->watches() : 0;
  };
  {
    Sandboxes sandboxes(spawner.host(), {pool_of(1, 1)});
    ASSERT_TRUE(settled(sandboxes));
    EXPECT_EQ(watches(), GetParam() ? 1u : 0u);
  }
  EXPECT_EQ(watches(), 0u);
}

INSTANTIATE_TEST_SUITE_P(, Pool, testing::Bool(), host_name);

}  // namespace
}  // namespace podium::sandbox
