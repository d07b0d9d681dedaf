#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "plugin/generations.hpp"

using namespace podium;
using namespace podium::test;
using ::testing::HasSubstr;

TEST(PluginRuntime, RunsThroughTheAbiAndTellsHowItEnded) {
  Generations world;
  auto generation = world.build(world.config());
  RunRequest run = request("hello");
  run.arguments = {"x", "y"};
  run.standard_input = "in";
  run.environment = {"K=v"};
  run.limits.wall = milliseconds(1234);
  RecordingEvents events;

  auto lease = runtime(*generation).start(run, events);
  Completion completion = events.wait();

  EXPECT_EQ(events.out(), "ahello x y");
  EXPECT_EQ(events.err(), "in K=v 1234");
  EXPECT_FALSE(completion.failure);
  EXPECT_EQ(completion.exit_code, 7);
  EXPECT_EQ(completion.changes, -1);
  EXPECT_EQ(completion.limit, LimitHit::kNone);
}

TEST(PluginRuntime, NamesInstanceAndPlugin) {
  Generations world;
  auto generation = world.build(world.config());

  EXPECT_EQ(runtime(*generation).name(), "first");
  EXPECT_EQ(runtime(*generation).plugin_id(), "org.podium.test.echo 1.2.3");
  EXPECT_FALSE(runtime(*generation).own_workspace());
}

TEST(PluginRuntime, TellsAFailureWithTheInstancesName) {
  Generations world;
  auto generation = world.build(world.config());
  RecordingEvents events;

  auto lease = runtime(*generation).start(request("fail"), events);
  Completion completion = events.wait();

  ASSERT_TRUE(completion.failure);
  EXPECT_EQ(completion.failure->code(), Code::kUnavailable);
  EXPECT_STREQ(completion.failure->what(), "runtime \"first\": no interpreter");
}

TEST(PluginRuntime, CancelsARunOnceHoweverOftenItIsAsked) {
  Generations world;
  auto generation = world.build(world.config());
  RecordingEvents events;
  auto lease = runtime(*generation).start(request("wait"), events);
  events.wait_for_output("a");

  lease->cancel();
  lease->cancel();
  Completion completion = events.wait();
  lease->cancel();

  ASSERT_TRUE(completion.failure);
  EXPECT_EQ(completion.failure->code(), Code::kCancelled);
  EXPECT_EQ(events.completions(), 1);
}

TEST(PluginRuntime, CancelsAndWaitsWhenALeaseIsDroppedEarly) {
  Generations world;
  auto generation = world.build(world.config());
  RecordingEvents events;

  runtime(*generation).start(request("wait"), events).reset();

  EXPECT_EQ(events.completions(), 1);
}

TEST(PluginRuntime, IsUnavailableBeyondItsConcurrencyUntilALeaseEnds) {
  Generations world;
  Config config = world.config();
  config.plugins[0].options = Json::object({{"slots", 1}});
  auto generation = world.build(config);
  RecordingEvents first, second;
  auto lease = runtime(*generation).start(request("x"), first);
  first.wait();

  auto start = [&] { return runtime(*generation).start(request("y"), second); };
  EXPECT_EQ(code_of_failure(start), Code::kUnavailable);
  EXPECT_THAT(message_of(start), HasSubstr("runtime \"first\": runs its 1 runs at a time"));

  lease.reset();
  auto next = start();
  EXPECT_EQ(second.wait().exit_code, 7);
}

TEST(PluginRuntime, ReportsItsHealthAndItsMetricsUnderItsName) {
  Generations world;
  auto generation = world.build(world.config());
  RecordingEvents events;
  auto lease = runtime(*generation).start(request("x"), events);
  events.wait();
  std::vector<Metrics::Sample> samples;

  Health health = runtime(*generation).check_health(milliseconds(100));
  runtime(*generation).collect_metrics([&](const auto& sample) { samples.push_back(sample); });

  EXPECT_EQ(health.state, HealthState::kDegraded);
  EXPECT_EQ(json_dump(health.detail), "{\"tag\":\"a\"}");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].name, "echo_runs_total");
  EXPECT_EQ(samples[0].labels, "plugin=\"first\",kind=\"all\"");
  EXPECT_TRUE(samples[0].counter);
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[1].labels, "plugin=\"first\"");
  EXPECT_FALSE(samples[1].counter);
  EXPECT_TRUE(world.workshop.log.has("a metric that Prometheus could not read"));
}

TEST(PluginRuntime, LetsALeaseEndFromWithinItsCompletion) {
  struct Ending : RecordingEvents {
    void on_completed(Completion completion) override {
      lease_set.get_future().wait();
      lease.reset();
      RecordingEvents::on_completed(std::move(completion));
    }
    std::promise<void> lease_set;
    std::unique_ptr<Lease> lease;
  } events;
  Generations world;
  auto generation = world.build(world.config());

  events.lease = runtime(*generation).start(request("x"), events);
  events.lease_set.set_value();

  EXPECT_EQ(events.wait().exit_code, 7);
  EXPECT_EQ(events.lease, nullptr);
}
