#include "http/health.hpp"

#include "http/front.hpp"
#include "support/stalls.hpp"

namespace podium::test {
namespace {

class HealthRoutes : public Front {
 protected:
  Received bare(const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
};

TEST_F(HealthRoutes, HealthNeedsNoKeyAndSaysTheVersion) {
  start();

  const Received answer = bare("/v1/health");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().find("status")->string(), "healthy");
  EXPECT_EQ(answer.json().find("version")->string(), "1.2.3");
}

TEST_F(HealthRoutes, ReadyUntilDraining) {
  start();

  EXPECT_EQ(bare("/ready").status, 200);
  on_io([this] { server->set_draining(); });
  EXPECT_EQ(bare("/ready").status, 503);
  EXPECT_EQ(bare("/health").status, 200);
}

TEST_F(HealthRoutes, DetailedNeedsAKeyAndNamesEveryPart) {
  start();

  EXPECT_EQ(bare("/health/detailed").status, 401);
  const Received answer = get("/health/detailed");
  EXPECT_EQ(answer.status, 200);
  const Json json = answer.json();
  for (const char* name : {"files", "jobs", "beat"}) {
    const Json* plugin = json.find("plugins")->find(name);
    ASSERT_NE(plugin, nullptr) << name;
    EXPECT_EQ(plugin->find("status")->string(), "healthy");
    EXPECT_TRUE(plugin->find("response_time_ms")->is_number());
  }
  EXPECT_EQ(json.find("database")->find("status")->string(), "healthy");
  EXPECT_EQ(json.find("sandbox")->find("detail")->find("cgroup")->string(), "v1");
}

/// A runtime whose health the test decides.
class AilingRuntime : public FakeRuntime {
 public:
  std::atomic<HealthState> state{HealthState::kHealthy};
  Gate gate;
  Health check_health(milliseconds) noexcept override {
    gate.pass();
    Health health;
    health.state = state;
    return health;
  }
};

TEST_F(HealthRoutes, DegradedIsToldInAHeaderAndUnhealthyIs503) {
  auto ailing = std::make_shared<AilingRuntime>();
  runtime = ailing;
  start();

  ailing->state = HealthState::kDegraded;
  const Received degraded = get("/health/detailed");
  ailing->state = HealthState::kUnhealthy;
  const Received unhealthy = get("/health/detailed");

  EXPECT_EQ(degraded.status, 200);
  EXPECT_EQ(degraded.header("X-Health-Status"), "degraded");
  EXPECT_EQ(unhealthy.status, 503);
  EXPECT_EQ(unhealthy.json().find("plugins")->find("jobs")->find("status")->string(), "unhealthy");
  EXPECT_EQ(bare("/ready").status, 503);
}

TEST_F(HealthRoutes, APartThatHangsIs503WithinTenSecondsAndHoldsUpNoOtherAnswer) {
  auto ailing = std::make_shared<AilingRuntime>();
  runtime = ailing;
  start();
  ailing->gate.close();
  const Stalls stalls;
  const auto began = std::chrono::steady_clock::now();
  Client client = connect();
  client.send(head("GET", "/health/detailed"));

  EXPECT_EQ(bare("/health").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5) + stalls.lost());
  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10) + stalls.lost());
  EXPECT_EQ(answer.json().find("plugins")->find("jobs")->find("status")->string(), "unhealthy");
  ailing->gate.open();
}

TEST_F(HealthRoutes, MetricsArePrometheusText) {
  start();
  get("/health");

  EXPECT_EQ(bare("/metrics").status, 401);
  const Received answer = get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("# TYPE"), std::string::npos);
  EXPECT_NE(answer.body.find("/health"), std::string::npos);
}

TEST_F(HealthRoutes, MetricsCountWhatWasAnsweredJustBefore) {
  start();
  for (int i = 1; i <= 20; ++i) {
    ASSERT_EQ(get("/health").status, 200);
    const std::string line =
        R"(podium_requests_total{route="/health",status="200"} )" + std::to_string(i) + "\n";
    ASSERT_NE(get("/metrics").body.find(line), std::string::npos) << line;
  }
}

TEST_F(HealthRoutes, TheyAnswerWhileEveryExecutorIsBusy) {
  start();
  const auto gate = std::make_shared<Gate>();
  gate->close();
  for (int i = 0; i < 16; ++i) asio::post(pool, [gate] { gate->pass(); });

  EXPECT_EQ(bare("/health").status, 200);
  EXPECT_EQ(bare("/ready").status, 200);
  EXPECT_EQ(get("/health/detailed").status, 200);
  EXPECT_EQ(get("/metrics").status, 200);
  gate->open();
}

TEST(HealthProbe, LeavesAStuckPartAtTheBoundAndStartsNoSecondCheckOfIt) {
  asio::io_context io;
  Gate gate;
  gate.close();
  std::atomic<unsigned> asked{0};
  HealthProbe probe(io);
  const auto ask_twice = [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      std::vector<HealthCheck> checks;
      checks.push_back({"stuck", &gate, [&] {
                          ++asked;
                          gate.pass();
                          return Health{};
                        }});
      checks.push_back({"well", &asked, [] { return Health{}; }});
      const std::vector<HealthOutcome> outcomes =
          co_await probe.run(std::move(checks), milliseconds(50));
      EXPECT_EQ(outcomes.at(0).health.state, HealthState::kUnhealthy);
      EXPECT_EQ(outcomes.at(1).health.state, HealthState::kHealthy);
    }
  };
  bool done = false;
  asio::co_spawn(io, ask_twice(), [&](std::exception_ptr error) {
    EXPECT_FALSE(error);
    done = true;
  });
  while (!done) io.run_one();

  EXPECT_EQ(asked, 1u);
  gate.open();
  probe.close();
  io.restart();
  io.poll();
}

}  // namespace
}  // namespace podium::test
