#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin/generations.hpp"
#include "response/heartbeat/heartbeat.hpp"
#include "response/plain/plain.hpp"

using namespace podium;
using namespace podium::test;
using namespace std::chrono_literals;

namespace {

class PluginResponse : public ::testing::Test {
 protected:
  Generations world;
  std::shared_ptr<const Generation> generation = world.build(world.config());
  Response& response = *generation->response("/exec");
  std::string out;
};

/// The shipped libraries as the daemon would load them.
class ShippedResponse : public ::testing::Test {
 protected:
  ShippedResponse() {
    world.workshop.add("lib/podium/plugins/response/plain.so", "plain");
    world.workshop.add("lib/podium/plugins/response/heartbeat.so", "heartbeat");
  }
  std::shared_ptr<const Generation> build(const std::string& library, Json options) {
    Config config = world.config();
    config.plugins.push_back({"it", library, std::move(options)});
    config.routes = {{"/exec", {"it"}}};
    return world.build(config);
  }

  Generations world;
  std::string out;
};

}  // namespace

TEST_F(PluginResponse, TellsHowItWantsToBeDriven) {
  EXPECT_EQ(response.media_type(), "text/plain");
  EXPECT_EQ(response.first_window(), 50ms);
  EXPECT_EQ(response.interval(), 20ms);
}

TEST_F(PluginResponse, FormatsAnOrdinaryAnswerWithItsStatus) {
  response.finish(404, "{\"a\":1}", out);

  EXPECT_EQ(out, "404{\"A\":1}");
}

TEST_F(PluginResponse, FormatsAStreamAndEndsIt) {
  auto stream = response.begin(out);
  stream->tick(out);
  stream->chunk(2, "err", out);
  stream->finish(200, "{}", out);
  EXPECT_FALSE(world.workshop.log.has("stream ended"));
  stream.reset();

  EXPECT_EQ(out, "<.2ERR{}>");
  EXPECT_TRUE(world.workshop.log.has("stream ended"));
}

TEST_F(PluginResponse, TakesBackWhatAFailedCallAppended) {
  out = "kept";

  EXPECT_EQ(message_of([&] { response.finish(200, "fail", out); }),
            "response \"loud\": cannot format this");

  EXPECT_EQ(out, "kept");
}

TEST_F(ShippedResponse, PlainNeverStreamsAndPassesTheResultOn) {
  auto generation = build("plain", Json::object());
  Response& plain = *generation->response("/exec");

  plain.finish(200, "{\"a\":1}", out);

  EXPECT_EQ(plain.media_type(), "application/json");
  EXPECT_EQ(plain.first_window(), std::nullopt);
  EXPECT_EQ(out, "{\"a\":1}");
  EXPECT_NE(message_of([&] { plain.begin(out); }), "");
}

TEST_F(ShippedResponse, HeartbeatStreamsSpacesAndThenTheJsonAndNothingElse) {
  auto generation = build("heartbeat", Json::object());
  Response& heartbeat = *generation->response("/exec");

  auto stream = heartbeat.begin(out);
  EXPECT_EQ(out, " ");
  stream->tick(out);
  stream->chunk(1, "what the program wrote", out);
  stream->tick(out);
  stream->finish(200, "{\"a\":1}", out);

  EXPECT_EQ(out, "   {\"a\":1}");
  EXPECT_EQ(json_dump(json_parse(out)), "{\"a\":1}");
  EXPECT_EQ(heartbeat.media_type(), "application/json");
}

TEST_F(ShippedResponse, HeartbeatAnswersOrdinarilyWithTheResultAlone) {
  auto generation = build("heartbeat", Json::object());

  generation->response("/exec")->finish(400, "{}", out);

  EXPECT_EQ(out, "{}");
}

TEST_F(ShippedResponse, HeartbeatHasOneSecondOfWindowAndTwoOfInterval) {
  auto generation = build("heartbeat", Json::object());

  EXPECT_EQ(generation->response("/exec")->first_window(), 1s);
  EXPECT_EQ(generation->response("/exec")->interval(), 2s);
}

TEST_F(ShippedResponse, HeartbeatTakesItsTimesFromTheConfigWithinFourSeconds) {
  auto generation = build("heartbeat", Json::object({{"window", "100ms"}, {"interval", "4s"}}));
  EXPECT_EQ(generation->response("/exec")->first_window(), 100ms);
  EXPECT_EQ(generation->response("/exec")->interval(), 4s);

  for (const char* name : {"window", "interval"}) {
    for (const char* wrong : {"99ms", "4001ms", "5s"}) {
      EXPECT_THAT(message_of([&] {
                    build("heartbeat", Json::object({{name, wrong}}));
                  }),
                  ::testing::HasSubstr(std::string("/plugins/it/options/") + name))
          << wrong;
    }
  }
}
