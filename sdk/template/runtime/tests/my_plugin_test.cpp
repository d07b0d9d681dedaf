#include "my_plugin.hpp"

#include <gtest/gtest.h>
#include <podium/testing.hpp>

using namespace podium::sdk;
using namespace podium::sdk::testing;

namespace {

/// Runs one program to its end.
void run(const std::string& code, RecordingRun& seen, const podium_config* config,
         podium_limits limits = ample_limits()) {
  FakeHost host;
  RuntimeInstance<MyPlugin> runtime(host.raw(), config);
  RunSpec spec;
  spec.code = code;
  spec.limits = limits;
  podium_lease* lease = nullptr;
  call(runtime->start, runtime.self(), spec.raw(), seen.raw(), &lease);
  ASSERT_TRUE(seen.wait());
  runtime->release(runtime.self(), lease);
}

}  // namespace

TEST(MyPlugin, GivesTheCodeBackAfterTheGreeting) {
  RecordingRun seen;
  run("world", seen, make_config(MyPlugin::kOptions, {{"greeting", "Hello, "}}));

  EXPECT_EQ(seen.out(), "Hello, world");
  EXPECT_EQ(seen.completion().exit_code, 0);
}

TEST(MyPlugin, EndsAtItsWallTimeAndSaysSo) {
  RecordingRun seen;
  podium_limits limits = ample_limits();
  limits.wall_ms = 50;
  run("forever", seen, make_config(MyPlugin::kOptions), limits);

  EXPECT_EQ(seen.completion().limit, static_cast<std::uint32_t>(PODIUM_LIMIT_WALL));
}

TEST(MyPlugin, RefusesAGreetingOfTwoLines) {
  FakeHost host;
  TestConfig config = make_config(MyPlugin::kOptions, {{"greeting", "a\nb"}});

  EXPECT_THROW(RuntimeInstance<MyPlugin>(host.raw(), config, PODIUM_DRY_RUN), Error);
}
