#include "policy/limits.hpp"

#include <gtest/gtest.h>

#include <string>

namespace podium {
namespace {

using std::chrono::seconds;

LanguageConfig language() {
  LanguageConfig language;
  language.limits.wall = seconds(30);
  language.limits.memory = 7;
  return language;
}

TEST(MergeLimits, TakesTheLanguagesWhenNothingIsAsked) {
  EXPECT_EQ(merge_limits(language(), std::nullopt).wall, seconds(30));
  EXPECT_EQ(merge_limits(language(), std::nullopt).memory, 7u);
}

TEST(MergeLimits, ShortensTheWallTimeOnRequest) {
  EXPECT_EQ(merge_limits(language(), milliseconds(1500)).wall, milliseconds(1500));
}

TEST(MergeLimits, NeverGoesAboveTheLanguagesWallTime) {
  EXPECT_EQ(merge_limits(language(), seconds(31)).wall, seconds(30));
  EXPECT_EQ(merge_limits(language(), milliseconds::max()).wall, seconds(30));
}

TEST(MergeLimits, NeverGoesBelowAMillisecond) {
  EXPECT_EQ(merge_limits(language(), milliseconds(0)).wall, milliseconds(1));
  EXPECT_EQ(merge_limits(language(), milliseconds(-5)).wall, milliseconds(1));
}

TEST(AllowedEnvironmentName, TakesOrdinaryNames) {
  for (const char* name : {"A", "_", "PATH", "MY_VAR2", "lower", "LDFLAGS", "XLD_PRELOAD"}) {
    EXPECT_TRUE(allowed_environment_name(name)) << name;
  }
}

TEST(AllowedEnvironmentName, RefusesWhatSteersTheLoader) {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_", "GLIBC_TUNABLES", "GCONV_PATH",
                           "MALLOC_TRACE", "LOCPATH", "RES_OPTIONS"}) {
    EXPECT_FALSE(allowed_environment_name(name)) << name;
  }
}

TEST(AllowedEnvironmentName, RefusesWhatIsNoName) {
  for (const std::string& name :
       {std::string(), std::string("1A"), std::string("A=B"), std::string("A B"),
        std::string("A\0B", 3), std::string("Ä"), std::string("BASH_FUNC_x%%")}) {
    EXPECT_FALSE(allowed_environment_name(name)) << name;
  }
}

}  // namespace
}  // namespace podium
