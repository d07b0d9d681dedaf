#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.hpp"
#include "base/sha256.hpp"
#include "base/time.hpp"

namespace podium {
namespace {

TEST(NewId, HasTheFormOfAnIdAndNeverRepeats) {
  std::set<std::string> seen;
  for (int i = 0; i < 20'000; ++i) {
    const std::string id = new_id();
    ASSERT_TRUE(is_id(id)) << id;
    ASSERT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(NewId, DiffersFromThoseOfOtherThreads) {
  std::array<std::vector<std::string>, 4> made;
  {
    std::vector<std::jthread> threads;
    for (auto& ids : made) {
      threads.emplace_back([&ids] {
        for (int i = 0; i < 1'000; ++i) ids.push_back(new_id());
      });
    }
  }
  std::set<std::string> seen;
  for (const auto& ids : made) seen.insert(ids.begin(), ids.end());
  EXPECT_EQ(seen.size(), 4'000u);
}

TEST(NewId, UsesEveryCharacterAtEveryPlace) {
  std::set<char> first, middle, last;
  for (int i = 0; i < 5'000; ++i) {
    const std::string id = new_id();
    first.insert(id.front());
    middle.insert(id[10]);
    last.insert(id.back());
  }
  // The chance to miss one character in 5,000 draws is below 10^-32.
  EXPECT_EQ(first.size(), 62u);
  EXPECT_EQ(middle.size(), 64u);
  EXPECT_EQ(last.size(), 62u);
}

TEST(IsId, RefusesOtherForms) {
  EXPECT_TRUE(is_id("abcdefghij-_ABCDEFGH0"));
  for (const char* text :
       {"", "abcdefghij-_ABCDEFGH", "abcdefghij-_ABCDEFGH01", "-bcdefghij-_ABCDEFGH0",
        "abcdefghij-_ABCDEFGH_", "abcdefghij.xABCDEFGH0", "../../../../etc/passw"}) {
    EXPECT_FALSE(is_id(text)) << text;
  }
  EXPECT_FALSE(is_id(std::string_view("abcdefghij\0_ABCDEFGH0", 21)));
}

TEST(NewApiKey, IsSkAnd32UrlSafeCharacters) {
  const std::string key = new_api_key();
  EXPECT_EQ(key.size(), 35u);
  EXPECT_EQ(key.substr(0, 3), "sk-");
  EXPECT_EQ(
      key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  EXPECT_NE(key, new_api_key());
}

TEST(EqualConstantTime, ComparesContentAndLength) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_constant_time("secret", "Secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secre"));
  EXPECT_FALSE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST(Sha256, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, TakesAStreamInPieces) {
  Sha256 digest;
  for (int i = 0; i < 1'000; ++i) digest.update(std::string(1'000, 'a'));

  EXPECT_EQ(digest.hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_THROW(digest.hex(), Failure);
  EXPECT_THROW(digest.update("x"), Failure);
}

TEST(Iso8601, WritesMillisecondsInUtc) {
  EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(1'769'860'800'123), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(iso8601(1'709'164'799'999), "2024-02-28T23:59:59.999Z");
  EXPECT_EQ(iso8601(1'709'164'800'000), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(iso8601(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Iso8601, StaysInsideTheYearsItCanWrite) {
  EXPECT_EQ(iso8601(INT64_MAX), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(iso8601(INT64_MIN), "0000-01-01T00:00:00.000Z");
}

TEST(HttpDate, IsTheFormOfRfc9110) {
  EXPECT_EQ(http_date(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(1'769'860'800'999), "Sat, 31 Jan 2026 12:00:00 GMT");
}

TEST(EpochMsNow, IsTheSystemsTime) {
  const EpochMs before = static_cast<EpochMs>(::time(nullptr)) * 1000;
  const EpochMs now = epoch_ms_now();
  EXPECT_GE(now, before);
  EXPECT_LT(now, before + 60'000);
}

}  // namespace
}  // namespace podium
