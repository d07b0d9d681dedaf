#include <gtest/gtest.h>

#include <string>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

TEST(IsUtf8, AcceptsTheFirstAndLastCharacterOfEachLength) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(is_utf8(""));
  for (const std::string_view text :
       {"\0"sv, "\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
        "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
    EXPECT_TRUE(is_utf8(text));
    EXPECT_TRUE(is_utf8(std::string(13, 'a') + std::string(text) + "1234567890"));
  }
}

TEST(IsUtf8, RefusesSurrogatesOverlongFormsAndPieces) {
  for (const char* text :
       {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xC2", "\xC2x", "\xE0\x80\xAF", "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\x98", "\xFE", "\xFF",
        "\xF8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(std::string(text));
    EXPECT_EQ(utf8_prefix(std::string(20, 'a') + text), 20u);
  }
}

TEST(IsUtf8, SeesABadByteAtEveryPositionOfAWord) {
  for (std::size_t at = 0; at < 24; ++at) {
    std::string text(24, 'a');
    text[at] = '\xFF';
    EXPECT_EQ(utf8_prefix(text), at);
  }
}

TEST(ToUtf8, ReplacesMaximalSubpartsAsTheUnicodeStandardShows) {
  // The Unicode Standard, 3.9, table 3-8 and the text before it.
  EXPECT_EQ(to_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                    "b\x80"
                    "c\x80\xBF"
                    "d"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(to_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(to_utf8("plain é 😀"), "plain é 😀");
  EXPECT_EQ(to_utf8(std::string(1000, '\xFF')).size(), 3000u);
}

TEST(Utf8Floor, NeverCutsACharacter) {
  const std::string text = "aé€😀z";  // 1 + 2 + 3 + 4 + 1 bytes
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t limit = 0; limit < std::size(expected); ++limit) {
    EXPECT_EQ(utf8_floor(text, limit), expected[limit]) << limit;
  }
}

TEST(Utf8Floor, CutsOffACharacterThatTheTextEndsIn) {
  EXPECT_EQ(utf8_floor("ab\xF0\x9F\x98", 5), 2u);
  EXPECT_EQ(utf8_floor("ab\xE2\x82", 99), 2u);
  EXPECT_EQ(utf8_floor("ab\x80\x80", 4), 4u);  // belongs to no character
  EXPECT_EQ(utf8_floor("\xFF\xFF\xFF", 3), 3u);
  EXPECT_EQ(utf8_floor("\x80\x80\x80\x80", 4), 4u);
}

TEST(ToNfc, ComposesAndKeepsWhatIsComposed) {
  EXPECT_EQ(to_nfc("e\u0301"), "\u00E9");
  EXPECT_EQ(to_nfc("\u00E9"), "\u00E9");
  EXPECT_EQ(to_nfc("\u212B"), "\u00C5");              // ANGSTROM SIGN
  EXPECT_EQ(to_nfc("\u1100\u1161\u11A8"), "\uAC01");  // Hangul
  EXPECT_EQ(to_nfc("a\u0323\u0307"), to_nfc("a\u0307\u0323"));
  EXPECT_EQ(to_nfc("\uFB01"), "\uFB01");  // not the compatibility form
  EXPECT_EQ(to_nfc(""), "");
  EXPECT_THROW(to_nfc("\xFF"), Failure);
}

std::string name_refusal(std::string_view name) {
  try {
    canonical_file_name(name);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kInvalidArgument);
    return failure.what();
  }
  return {};
}

TEST(CanonicalFileName, KeepsOrdinaryAndOddNames) {
  for (const char* name :
       {"data.csv", "a/b/c.txt", "with space \"quoted\".txt", "-rf", "...", ".hidden", "a..b",
        "%2e%2e%2f", "😀/עברית.txt", "x\u2028y", "file:name?*|"}) {
    EXPECT_EQ(canonical_file_name(name), name);
  }
}

TEST(CanonicalFileName, TakesOffTheMountOnce) {
  EXPECT_EQ(canonical_file_name("/mnt/data/a/b.csv"), "a/b.csv");
  EXPECT_NE(name_refusal("/mnt/data/"), "");
  EXPECT_NE(name_refusal("/mnt/data//etc/passwd"), "");
  EXPECT_NE(name_refusal("/mnt/data/../x"), "");
  EXPECT_NE(name_refusal("/mnt/database"), "");
}

TEST(CanonicalFileName, ComposesUnicodeBeforeItCounts) {
  EXPECT_EQ(canonical_file_name("cafe\u0301.txt"), "caf\u00E9.txt");
  std::string decomposed, composed;
  for (int i = 0; i < 100; ++i) decomposed += "e\u0301", composed += "\u00E9";
  EXPECT_EQ(canonical_file_name(decomposed), composed);  // 300 bytes come in, 200 remain
}

TEST(CanonicalFileName, RefusesWhatCouldLeaveTheSession) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "."sv, ".."sv, "../x"sv, "a/../b"sv, "a/."sv, "a//b"sv, "a/"sv, "/etc/passwd"sv,
        "a\\b"sv, "a\0b"sv, "a\nb"sv, "a\x1b[0m"sv, "a\x7F"sv, "a\u0085"sv, "\xC0\xAE\xC0\xAE/x"sv,
        "a\xFF"sv, "\xED\xA0\x80"sv}) {
    EXPECT_NE(name_refusal(name), "") << testing::PrintToString(std::string(name));
  }
}

TEST(CanonicalFileName, HoldsItsLimitsExactly) {
  EXPECT_EQ(name_refusal(std::string(255, 'a')), "");
  EXPECT_NE(name_refusal(std::string(256, 'a')).find("256 bytes"), std::string::npos);
  const std::string folder(200, 'a');
  EXPECT_EQ(name_refusal(folder + "/" + std::string(55, 'b')), "");
  EXPECT_NE(name_refusal(folder + "/" + std::string(56, 'b')).find("257 characters"),
            std::string::npos);
}

TEST(CanonicalFileName, AllowsTenLevels) {
  EXPECT_EQ(name_refusal("1/2/3/4/5/6/7/8/9/10"), "");
  EXPECT_NE(name_refusal("1/2/3/4/5/6/7/8/9/10/11").find("11 levels"), std::string::npos);
  EXPECT_NE(name_refusal(std::string(1'000'000, '/')), "");
}

TEST(MediaTypeOf, GoesByTheLastExtensionWithoutCase) {
  EXPECT_EQ(media_type_of("a/b.csv"), "text/csv");
  EXPECT_EQ(media_type_of("PLOT.PNG"), "image/png");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("book.xlsx"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  EXPECT_EQ(media_type_of("notes.yml"), "application/yaml");
  for (const char* name : {"", "noext", "a.", "a.unknown", "dir.csv/file", "png"}) {
    EXPECT_EQ(media_type_of(name), "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace podium
