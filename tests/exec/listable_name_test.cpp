#include "exec/listable_name.hpp"

#include <gtest/gtest.h>

#include "base/file_name.hpp"

namespace podium {
namespace {

TEST(ListableName, KeepsWhatIsAName) {
  for (const char* name :
       {"a.txt", "deep/er/b c.csv", "-rf", "50%.txt", "'\"", "\xC3\xA9.txt", "\xF0\x9F\x98\x80",
        "\xE2\x80\xAE"
        "abc"}) {
    EXPECT_EQ(listable_name(name), name);
  }
}

TEST(ListableName, ComposesCharacters) {
  EXPECT_EQ(listable_name("e\xCC\x81.txt"), "\xC3\xA9.txt");
}

TEST(ListableName, EncodesWhatNoNameMayHold) {
  EXPECT_EQ(listable_name("a\xFF.txt"), "a%FF.txt");
  EXPECT_EQ(listable_name("a\nb"), "a%0Ab");
  EXPECT_EQ(listable_name("\x1B[31m"), "%1B[31m");
  EXPECT_EQ(listable_name("a\\b"), "a%5Cb");
  EXPECT_EQ(listable_name("\xC0\xAE/x"), "%C0%AE/x");
  EXPECT_EQ(listable_name("\xC2\x85"), "%C2%85");
}

TEST(ListableName, EncodesPercentSignsBesideThemSoThatNoTwoNamesMeet) {
  EXPECT_EQ(listable_name("100%\xFF"), "100%25%FF");
  EXPECT_NE(listable_name("%FF\xFF"), listable_name("\xFF\xFF"));
}

TEST(ListableName, KeepsTheRestOfTheCharactersReadable) {
  EXPECT_EQ(listable_name("\xC3\xA9\xFF"), "\xC3\xA9%FF");
}

TEST(ListableName, ShortensWhatIsTooLongAndKeepsTheExtension) {
  const std::string path = std::string(200, '\xFF') + ".csv";

  const std::string name = listable_name(path);

  EXPECT_EQ(name, canonical_file_name(name));
  EXPECT_LT(name.size(), 200u);
  EXPECT_EQ(name.substr(name.size() - 4), ".csv");
  EXPECT_NE(name, listable_name("x" + path.substr(1)));
}

TEST(ListableName, ShortensPathsOfTooManyCharacters) {
  const std::string path = std::string(250, 'a') + "/" + std::string(250, 'b') + ".txt";

  const std::string name = listable_name(path);

  EXPECT_EQ(name, canonical_file_name(name));
  EXPECT_EQ(name.substr(0, 10), "bbbbbbbbbb");
}

TEST(ListableName, TakesALevelOf255Bytes) {
  EXPECT_EQ(listable_name(std::string(255, 'a')), std::string(255, 'a'));
}

TEST(UniqueListableName, TellsComposedAndDecomposedApart) {
  std::set<std::string> taken;

  const std::string first = unique_listable_name("\xC3\xA9.txt", taken);
  const std::string second = unique_listable_name("e\xCC\x81.txt", taken);

  EXPECT_EQ(first, "\xC3\xA9.txt");
  EXPECT_NE(first, second);
  EXPECT_EQ(second.substr(second.size() - 4), ".txt");
  EXPECT_EQ(taken.size(), 2u);
}

}  // namespace
}  // namespace podium
