#include "my_plugin.hpp"

#include <gtest/gtest.h>
#include <podium/testing.hpp>

using namespace podium::sdk;
using namespace podium::sdk::testing;

TEST(MyPlugin, PutsLinesBeforeTheResultOfASlowRun) {
  FakeHost host;
  ResponseInstance<MyPlugin> response(host.raw(), make_config(MyPlugin::kOptions));
  podium_response_stream* stream = nullptr;
  const podium_result result{sizeof result, 200, bytes("{\"stdout\":\"\"}")};
  BufferSink out;

  call(response->begin, response.self(), &stream, out.raw());
  call(response->tick, response.self(), stream, out.raw());
  call(response->finish, response.self(), stream, &result, out.raw());
  response->end_stream(response.self(), stream);

  EXPECT_EQ(out.text(), "\n\n{\"stdout\":\"\"}");
}

TEST(MyPlugin, TakesItsTimesFromTheConfiguration) {
  FakeHost host;
  ResponseInstance<MyPlugin> response(host.raw(),
                                      make_config(MyPlugin::kOptions, {{"interval", "300ms"}}));
  podium_response_traits traits{};
  traits.size = sizeof traits;

  response->get_traits(response.self(), &traits);

  EXPECT_EQ(traits.interval_ms, 300);
}
