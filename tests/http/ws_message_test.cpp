/// What a WebSocket client says, and how fast.

#include <gtest/gtest.h>

#include <csignal>

#include "http/ws_message.hpp"

namespace podium {
namespace {

using std::chrono::milliseconds;

TEST(WsMessage, ReadsWhatAClientMaySay) {
  EXPECT_EQ(parse_client_message(R"({"type":"stdin","data":"a\u00fc"})").data, "aü");
  EXPECT_EQ(parse_client_message(R"({"type":"eof"})").kind, ClientMessage::Kind::kEnd);
  EXPECT_EQ(parse_client_message(R"({"type":"signal","name":"SIGTERM"})").signal, SIGTERM);
  EXPECT_EQ(parse_client_message(R"({"type":"cancel"})").kind, ClientMessage::Kind::kCancel);
}

TEST(WsMessage, NamesWhatIsWrong) {
  const auto fault = [](std::string_view text) -> std::string {
    try {
      parse_client_message(text);
      return "none";
    } catch (const Failure& failure) {
      return failure.what();
    }
  };
  EXPECT_NE(fault("[]").find("must be an object"), std::string::npos);
  EXPECT_NE(fault("{}").find("type must be a string"), std::string::npos);
  EXPECT_NE(fault(R"({"type":"dance"})").find("\"cancel\""), std::string::npos);
  EXPECT_NE(fault(R"({"type":"stdin"})").find("data must be a string"), std::string::npos);
  EXPECT_NE(fault(R"({"type":"signal","name":"RTMIN"})").find("INT, TERM"), std::string::npos);
  EXPECT_NE(fault(R"({"type":"run"})").find("one run"), std::string::npos);
}

TEST(WsMessage, AFaultIsToldInFewWordsHoweverLongTheMessage) {
  for (const std::string& text :
       {"{" + std::string(60'000, 'x'), R"({"type":")" + std::string(60'000, 'x') + "\"}"}) {
    try {
      parse_client_message(text);
      FAIL();
    } catch (const Failure& failure) {
      EXPECT_LT(error_json(failure).size(), 1000u);
    }
  }
}

TEST(WsPace, LetsManyMessagesThroughAtOnceAndThenSoManyASecond) {
  Pace pace(200);
  const auto now = Pace::Clock::now();

  milliseconds rest{0};
  unsigned at_once = 0;
  while ((rest = pace.take(now)) == milliseconds(0)) ++at_once;
  EXPECT_EQ(at_once, 200u);

  auto at = now;
  unsigned later = 1;
  while (at < now + std::chrono::seconds(10)) {
    at += rest;
    rest = pace.take(at);
    ++later;
  }
  EXPECT_NEAR(later, 2000, 400) << "ten seconds of 200 each";
}

}  // namespace
}  // namespace podium
