#include "exec/tool_frames.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

using Kind = ToolFrames::Word::Kind;

class ToolFramesTest : public testing::Test {
 protected:
  std::string take(std::string_view chunk) { return std::string(frames.take(chunk, words)); }

  const std::string mark = ToolFrames::marker("secret");
  ToolFrames frames{"secret"};
  std::vector<ToolFrames::Word> words;
};

TEST_F(ToolFramesTest, WordsAreTakenOutOfWhatIsPrinted) {
  EXPECT_EQ(take("a\n" + mark + "call 1 0 0 {}\n" + "b" + mark + "wait 3\nc"), "a\nbc");

  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].kind, Kind::kCall);
  EXPECT_EQ(words[0].id, "1");
  EXPECT_EQ(words[0].data, "0 {}");
  EXPECT_EQ(words[1].kind, Kind::kWait);
  EXPECT_EQ(words[1].seen, 3u);
}

TEST_F(ToolFramesTest, AreTheSameHoweverTheyAreCut) {
  const std::string all = "x" + mark + "call a.1 1 0 {\"k\":\n" + "y" + mark +
                          "call a.1 0 \"v\"}\n" + mark.substr(0, 4) + "z";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    ToolFrames fresh("secret");
    std::vector<ToolFrames::Word> found;
    std::string printed(fresh.take(std::string_view(all).substr(0, cut), found));
    printed += fresh.take(std::string_view(all).substr(cut), found);
    printed += fresh.rest();

    EXPECT_EQ(printed, "xy" + mark.substr(0, 4) + "z") << "cut at " << cut;
    ASSERT_EQ(found.size(), 1u) << "cut at " << cut;
    EXPECT_EQ(found[0].data, "0 {\"k\":\"v\"}");
  }
}

TEST_F(ToolFramesTest, PiecesOfCallsBesideEachOtherAreKeptApart) {
  take(mark + "call a 1 0 {\n" + mark + "call b 1 1 [\n" + mark + "call a 0 }\n" + mark +
       "call b 0 ]\n");

  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].data, "0 {}");
  EXPECT_EQ(words[1].data, "1 []");
}

TEST_F(ToolFramesTest, WhatBreaksTheRulesIsPrinted) {
  for (const std::string line : {"call  0 0 {}\n", "call a/b 0 0 {}\n", "call a 2 0 {}\n",
                                 "wait x\n", "wait 1 \n", "stop\n", "\n"}) {
    EXPECT_EQ(take(mark + line), mark + line);
  }
  const std::string other = ToolFrames::marker("guess") + "call 1 0 0 {}\n";
  EXPECT_EQ(take(other), other);
  EXPECT_TRUE(words.empty());
}

TEST_F(ToolFramesTest, ALineWithoutAnEndIsNotHeldForEver) {
  const std::string endless = mark + std::string(5000, 'x');

  EXPECT_EQ(take(endless), endless);
  EXPECT_EQ(take("y"), "y");
}

TEST_F(ToolFramesTest, WhatMightHaveBecomeAWordIsPrintedAtTheEnd) {
  EXPECT_EQ(take("a" + mark + "call 1 0 "), "a");

  EXPECT_EQ(frames.rest(), mark + "call 1 0 ");
  EXPECT_EQ(frames.rest(), "");
}

TEST_F(ToolFramesTest, CallsThatNeverComeWholeAreBounded) {
  const std::string piece(3000, 'x');
  std::size_t printed = 0;
  for (int i = 0; i < 8000; ++i) {
    printed += take(mark + "call n" + std::to_string(i) + " 1 " + piece + "\n").size();
  }

  EXPECT_GT(printed, 8000 * piece.size() - ToolFrames::kMostPending);
  EXPECT_TRUE(words.empty());
}

}  // namespace
}  // namespace podium
