#include "exec/digest_behind.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/sha256.hpp"

namespace podium {
namespace {

std::string content(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

TEST(DigestBehind, IsThatOfTheWholeWhateverThePieces) {
  const std::string whole = content(5'000'001);
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{262'144}, std::size_t{262'145},
                                  whole.size()}) {
    DigestBehind digest;
    for (std::size_t at = 0; at < whole.size(); at += piece) {
      // What was given may go at once.
      std::string lent = whole.substr(at, piece);
      digest.update(lent);
      std::fill(lent.begin(), lent.end(), 'x');
    }
    EXPECT_EQ(digest.hex(), sha256_hex(whole)) << piece;
  }
}

TEST(DigestBehind, OfNothingIsThatOfNothing) {
  DigestBehind digest;

  EXPECT_EQ(digest.hex(), sha256_hex(""));
}

TEST(DigestBehind, EndsWithoutBeingAskedForIt) {
  const std::string whole = content(3'000'000);
  for (int round = 0; round < 20; ++round) {
    DigestBehind digest;
    digest.update(whole);
  }
}

}  // namespace
}  // namespace podium
