#include "base/one_time_tag.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/failure.hpp"

namespace podium {
namespace {

/// Bytes 0 to 31, as a record names them.
constexpr std::string_view kKey =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string kNoTag(32, '0');

std::string text_of(const std::string& content) {
  OneTimeTag tag;
  tag.update(content);
  return tag.text();
}

bool matches(const std::string& content, std::string_view recorded) {
  OneTimeTag tag(recorded);
  tag.update(content);
  return tag.matches(recorded);
}

std::string tag_under_the_key(const std::string& content) {
  OneTimeTag tag(std::string(kKey) + kNoTag);
  tag.update(content);
  return tag.text().substr(kKey.size());
}

TEST(OneTimeTag, IsTheGmacOfTheStandard) {
  // Test case 13 of McGrew and Viega, "The Galois/Counter Mode of Operation": no bytes at all.
  OneTimeTag nothing(std::string(64, '0') + kNoTag);
  EXPECT_EQ(nothing.text(), std::string(64, '0') + "530f8afbc74536b9a963b4f1c4cb738b");

  // By another program: tags in databases must stay what they are.
  EXPECT_EQ(tag_under_the_key("Podium"), "dd7263cdc7b62aa3512351003c015344");
  EXPECT_EQ(tag_under_the_key(std::string(100'000, 'x')), "c7a3ed218acf0e46c35dfad811bf3ad4");
}

TEST(OneTimeTag, HasAKeyOfItsOwnForEachContent) {
  const std::string first = text_of("the same"), second = text_of("the same");

  EXPECT_EQ(first.size(), 96u);
  EXPECT_NE(first.substr(0, 64), second.substr(0, 64));
  EXPECT_NE(first.substr(64), second.substr(64));
}

TEST(OneTimeTag, MatchesItsContentInWhateverPieces) {
  const std::string content(100'003, 'c');
  const std::string recorded = text_of(content);

  for (const std::size_t piece : {std::size_t{1}, std::size_t{17}, std::size_t{65'536}}) {
    OneTimeTag tag(recorded);
    for (std::size_t at = 0; at < content.size(); at += piece) {
      tag.update(std::string_view(content).substr(at, piece));
    }
    EXPECT_TRUE(tag.matches(recorded)) << piece;
  }
}

TEST(OneTimeTag, MatchesNothingElse) {
  const std::string content = std::string(5000, 'a') + std::string(5000, 'b');
  const std::string recorded = text_of(content);

  for (const std::size_t at : {std::size_t{0}, std::size_t{4999}, content.size() - 1}) {
    std::string changed = content;
    changed[at] ^= 1;
    EXPECT_FALSE(matches(changed, recorded)) << at;
  }
  EXPECT_FALSE(matches(std::string(5000, 'b') + std::string(5000, 'a'), recorded));
  EXPECT_FALSE(matches(content.substr(0, 9999), recorded));
  EXPECT_FALSE(matches(content + '\0', recorded)) << "its last block is filled up with zeros";
  EXPECT_FALSE(matches("", recorded));
  EXPECT_TRUE(matches(content, recorded));
}

TEST(OneTimeTag, MatchesNothingUnderAnotherKey) {
  const std::string recorded = text_of("content");

  EXPECT_FALSE(matches("content", text_of("content").substr(0, 64) + recorded.substr(64)));
}

TEST(OneTimeTag, RefusesARecordThatHoldsNone) {
  const std::string sound = text_of("x");
  std::string no_digit = sound;
  no_digit[63] = 'g';

  for (const std::string& text : {std::string("x"), sound.substr(1), sound + "0", no_digit}) {
    try {
      OneTimeTag tag(text);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Code::kInternal);
      EXPECT_EQ(std::string(failure.what()).find(sound.substr(1, 62)), std::string::npos)
          << "a key was told";
    }
  }
}

TEST(OneTimeTag, IsUsedUpByItsEnd) {
  OneTimeTag tag;
  tag.text();

  EXPECT_THROW(tag.update("more"), Failure);
  EXPECT_THROW(tag.text(), Failure);
}

}  // namespace
}  // namespace podium
