#include "exec/tool_talk.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace podium {
namespace {

class ToolTalkTest : public testing::Test {
 protected:
  void make(ToolLanguage language) {
    talk = std::make_shared<ToolTalk>(io, language,
                                      std::vector<Tool>{{"ask", "", {}}, {"tell", "", {}}});
    secret = talk->program("x");
    const std::size_t at = language == ToolLanguage::kBash ? secret.find('=') + 1
                                                           : secret.find("secret\\\":\\\"") + 11;
    secret = secret.substr(at, 21);
    ToolTalk::Listener listener;
    listener.news = [this] { ++news; };
    listener.refused = [this](std::string input) { refused += input; };
    talk->set_listener(std::move(listener));
  }
  void say(const std::string& words) {
    EXPECT_EQ(talk->hear(ToolFrames::marker(secret) + words + "\n"), "");
    io.restart();
    io.poll();
  }
  ToolResult result(const std::string& id, Json value) { return {id, std::move(value), false, ""}; }
  std::optional<Failure> refusal(const std::vector<ToolResult>& results) {
    try {
      talk->answer(results);
    } catch (const Failure& failure) {
      return failure;
    }
    return std::nullopt;
  }

  asio::io_context io{1};
  std::shared_ptr<ToolTalk> talk;
  std::string secret, refused;
  int news = 0;
};

TEST_F(ToolTalkTest, AsksWhenTheProgramWaitsForAllOfItsCalls) {
  make(ToolLanguage::kPython);
  say("call 1 0 0 {\"a\":1}");
  say("call 2 0 1 {}");
  EXPECT_FALSE(talk->asks());
  say("wait 0");

  ASSERT_TRUE(talk->asks());
  EXPECT_EQ(news, 1);
  const std::vector<ToolCall> calls = talk->ask();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id, "call_001");
  EXPECT_EQ(calls[0].name, "ask");
  EXPECT_EQ(json_dump(calls[0].input), "{\"a\":1}");
  EXPECT_EQ(calls[1].name, "tell");
  EXPECT_FALSE(talk->asks());
}

TEST_F(ToolTalkTest, AWaitFromBeforeTheLastResultsIsOld) {
  make(ToolLanguage::kPython);
  say("call 1 0 0 {}");
  say("wait 0");
  talk->ask();
  talk->gave(talk->answer({result("call_001", 1)}));
  say("call 2 0 0 {}");
  say("wait 0");
  EXPECT_FALSE(talk->asks());
  say("wait 1");
  EXPECT_TRUE(talk->asks());
}

TEST_F(ToolTalkTest, AnswersEachProgramInItsOwnWords) {
  make(ToolLanguage::kPython);
  say("call 7 0 0 {}");
  say("call 8 0 0 {}");
  talk->ask();
  EXPECT_EQ(talk->answer({{"call_002", Json(), true, "no"}, result("call_001", "a\nb")}),
            "{\"id\":\"8\",\"error\":\"no\"}\n{\"id\":\"7\",\"result\":\"a\\nb\"}\n");

  make(ToolLanguage::kBash);
  say("call x.1 0 0 {}");
  talk->ask();
  EXPECT_EQ(talk->answer({result("call_001", Json::object({{"k", 1}}))}), "x.1 0 7\n{\"k\":1}");
  EXPECT_EQ(talk->answer({{"call_001", Json(), true, "no"}}), "x.1 1 2\nno");
}

TEST_F(ToolTalkTest, WantsOneResultForEachCallAndChangesNothingOtherwise) {
  make(ToolLanguage::kPython);
  say("call 1 0 0 {}");
  say("call 2 0 0 {}");
  talk->ask();
  const auto one = result("call_001", 1), two = result("call_002", 2);

  EXPECT_EQ(refusal({one})->code(), Code::kUnprocessable);
  EXPECT_EQ(refusal({one, one})->code(), Code::kUnprocessable);
  EXPECT_EQ(refusal({one, two, result("call_003", 3)})->code(), Code::kUnprocessable);
  EXPECT_EQ(refusal({one, result("call_002", std::string(ToolTalk::kMostResult, 'x'))})->code(),
            Code::kTooLarge);
  EXPECT_FALSE(refusal({two, one}));
}

TEST_F(ToolTalkTest, AllResultsTogetherAreBounded) {
  make(ToolLanguage::kPython);
  const Json large(std::string(ToolTalk::kMostResult - 100, 'x'));
  for (int i = 1; i <= 8; ++i) {
    say("call " + std::to_string(i) + " 0 0 {}");
    talk->ask();
    talk->gave(talk->answer({result("call_00" + std::to_string(i), large)}));
  }
  say("call 9 0 0 {}");
  talk->ask();
  EXPECT_EQ(refusal({result("call_009", large)})->code(), Code::kTooLarge);
}

TEST_F(ToolTalkTest, AnInputThatIsNoObjectIsRefusedToTheProgramItself) {
  make(ToolLanguage::kBash);
  say("call a 0 0 [1]");
  say("call b 0 0 nonsense");

  EXPECT_EQ(refused,
            "a 1 66\nthe input of the tool ask must be one JSON object of at most 1 MiB"
            "b 1 66\nthe input of the tool ask must be one JSON object of at most 1 MiB");
  EXPECT_FALSE(talk->asks());
  EXPECT_TRUE(talk->fault().empty());
}

TEST_F(ToolTalkTest, AProgramThatBreaksARuleIsAtFault) {
  make(ToolLanguage::kPython);
  say("call 1 0 2 {}");
  EXPECT_NE(talk->fault().find("a tool that it was not given"), std::string::npos);

  make(ToolLanguage::kPython);
  for (unsigned i = 0; i <= ToolTalk::kMostCalls; ++i) {
    EXPECT_TRUE(talk->fault().empty());
    say("call " + std::to_string(i) + " 0 0 {}");
  }
  EXPECT_NE(talk->fault().find("more than 200 times"), std::string::npos);
}

TEST_F(ToolTalkTest, AShellIsTakenToWaitWhenNoFurtherCallComes) {
  make(ToolLanguage::kBash);
  say("call a 0 0 {}");
  say("call b 0 0 {}");
  EXPECT_FALSE(talk->asks());
  io.restart();
  io.run_for(std::chrono::seconds(30));  // ends with its only timer

  EXPECT_TRUE(talk->asks());
  EXPECT_EQ(talk->ask().size(), 2u);
}

}  // namespace
}  // namespace podium
