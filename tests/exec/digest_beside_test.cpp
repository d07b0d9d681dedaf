#include "exec/digest_beside.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "base/sha256.hpp"

namespace podium {
namespace {

std::string content(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

TEST(DigestBeside, IsThatOfTheWholeWhateverThePieces) {
  const std::string whole = content(5'000'001);
  for (const std::size_t piece :
       {std::size_t{1000}, std::size_t{262'144}, std::size_t{262'145}, whole.size()}) {
    DigestBeside digest;
    std::string written;
    for (std::size_t at = 0; at < whole.size(); at += piece) {
      // What was given may go at once.
      std::string lent = whole.substr(at, piece);
      digest.update(lent, [&] { written += lent; });
      std::fill(lent.begin(), lent.end(), 'x');
    }
    EXPECT_EQ(digest.hex(), sha256_hex(whole)) << piece;
    EXPECT_TRUE(written == whole) << piece;
  }
}

TEST(DigestBeside, IsThatOfPiecesInTheirOrderWhoeverHashedThem) {
  const std::string large = content(DigestBeside::kWorthAThread);
  const std::string small = content(DigestBeside::kWorthAThread - 1);
  DigestBeside digest;
  std::string whole;
  for (int round = 0; round < 50; ++round) {
    for (const std::string* piece : {&large, &small, &small, &large}) {
      digest.update(*piece, [&] { whole += *piece; });
    }
  }

  EXPECT_EQ(digest.hex(), sha256_hex(whole));
}

TEST(DigestBeside, OfNothingIsThatOfNothing) {
  DigestBeside digest;

  EXPECT_EQ(digest.hex(), sha256_hex(""));
}

TEST(DigestBeside, LetsGoOfTheBytesBeforeItPassesOnWhatWasThrown) {
  const std::string whole = content(3'000'000);
  for (int round = 0; round < 20; ++round) {
    DigestBeside digest;
    std::string lent = whole;
    EXPECT_THROW(digest.update(lent, [] { throw std::runtime_error("the disk is full"); }),
                 std::runtime_error);
    std::fill(lent.begin(), lent.end(), 'x');  // the thread sanitizer sees one who still reads it
    // They were hashed all the same.
    EXPECT_EQ(digest.hex(), sha256_hex(whole));
  }
}

TEST(DigestBeside, EndsWithoutBeingAskedForIt) {
  const std::string whole = content(3'000'000);
  for (int round = 0; round < 20; ++round) {
    DigestBeside digest;
    digest.update(whole, [] {});
  }
}

}  // namespace
}  // namespace podium
