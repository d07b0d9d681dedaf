#include "exec/text.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace podium {
namespace {

constexpr const char* kMarker = "[stdout was cut here: it is longer than its limit of 10B]\n";

std::string taken(const std::vector<std::string>& chunks, bool cut_before = false) {
  OutputText text("stdout", 10);
  for (const std::string& chunk : chunks) text.add(chunk);
  return text.take(cut_before);
}

TEST(OutputText, KeepsWhatFitsAsItIs) {
  EXPECT_EQ(taken({"abc", "def\n"}), "abcdef\n");
  EXPECT_EQ(taken({"0123456789"}), "0123456789");
  EXPECT_EQ(taken({}), "");
}

TEST(OutputText, CutsAtTheLimitAndSaysSoOnALineOfItsOwn) {
  EXPECT_EQ(taken({"01234", "56789X"}), std::string("0123456789\n") + kMarker);
  EXPECT_EQ(taken({"012345678\n", "more"}), std::string("012345678\n") + kMarker);
}

TEST(OutputText, ReturnsWhatItKept) {
  OutputText text("stdout", 4);

  EXPECT_EQ(text.add("abc"), "abc");
  EXPECT_EQ(text.add("def"), "d");
  EXPECT_EQ(text.add("ghi"), "");
}

TEST(OutputText, CutsOnACharacterBoundary) {
  EXPECT_EQ(taken({"12345678", "\xE2\x82\xAC rest"}), std::string("12345678\n") + kMarker);
  EXPECT_EQ(taken({"1234567\xE2\x82\xAC rest"}), std::string("1234567\xE2\x82\xAC\n") + kMarker);
  EXPECT_EQ(taken({"1234567", "\xF0\x9F\x98\x80 rest"}), std::string("1234567\n") + kMarker);
}

TEST(OutputText, ReplacesIllFormedBytes) {
  EXPECT_EQ(taken({"a\xFF", "b"}),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(taken({"a\xE2\x82"}), "a\xEF\xBF\xBD");
}

TEST(OutputText, JoinsACharacterThatCameInTwoChunks) {
  EXPECT_EQ(taken({"\xE2", "\x82\xAC"}), "\xE2\x82\xAC");
}

TEST(OutputText, HoldsTheLimitAfterReplacementsToo) {
  const std::string text = taken({std::string(10, '\xFF')});

  EXPECT_EQ(text, std::string("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n") + kMarker);
  EXPECT_TRUE(is_utf8(text));
}

TEST(OutputText, MarksWhatTheRuntimeHasCutOnlyWhenItIsFull) {
  EXPECT_EQ(taken({"0123456789"}, true), std::string("0123456789\n") + kMarker);
  EXPECT_EQ(taken({"012"}, true), "012");
}

TEST(AppendLine, BeginsALineOfItsOwn) {
  std::string text;
  append_line(text, "a");
  text += "b";
  append_line(text, "c");

  EXPECT_EQ(text, "a\nb\nc\n");
}

TEST(Printable, IsOneShortLineOfUtf8) {
  EXPECT_EQ(printable("a\nb\x1B\x7F"), "a?b??");
  EXPECT_LE(printable(std::string(500, 'x')).size(), 120u);
  EXPECT_TRUE(is_utf8(printable("\xFF\xFE")));
}

}  // namespace
}  // namespace podium
