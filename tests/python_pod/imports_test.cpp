#include "imports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium::python_pod {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ImportsTest, FindsEveryFormOfImport) {
  EXPECT_THAT(imported_modules("import a\nimport b.c as d, e\nfrom f.g import h, i\n"),
              ElementsAre("a", "b", "e", "f"));
}

TEST(ImportsTest, FindsThemBehindColonsSemicolonsAndInBlocks) {
  EXPECT_THAT(imported_modules("x = 1; import a\nif x: import b\ndef f():\n    import c\n\tfrom d "
                               "import *\n"),
              ElementsAre("a", "b", "c", "d"));
}

TEST(ImportsTest, FollowsContinuedLines) {
  EXPECT_THAT(imported_modules("import a, \\\n  b\nfrom \\\n c import (d,\n e)\n"),
              ElementsAre("a", "b", "c"));
}

TEST(ImportsTest, PassesOverStringsAndComments) {
  EXPECT_THAT(imported_modules("# import a\ns = 'import b'\nt = '''\nimport c\n'''\n"
                               "u = \"\"\"x\\\"\"\"\nimport d\n\"\"\"\nr'\\'\n"),
              IsEmpty());
}

TEST(ImportsTest, DoesNotCountRelativeImportsOrOtherWords) {
  EXPECT_THAT(imported_modules("from . import a\nfrom .b import c\nimporter = 1\nx.import_y()\n"
                               "yield from gen()\n"),
              IsEmpty());
}

TEST(ImportsTest, SurvivesWhatIsNoPython) {
  for (const char* code : {"", "import", "import ,", "from", "'", "\"\"\"", "\\", "import a\\",
                           "import \xff\xfe", "#", "import a as"}) {
    imported_modules(code);
  }
}

const std::vector<Tier> kTiers{{}, {"numpy"}, {"numpy", "pandas", "matplotlib"}};
const auto kAll = [](std::size_t) { return true; };

TEST(ChooseTierTest, TakesTheSmallestThatHasAll) {
  EXPECT_EQ(choose_tier(kTiers, "print(1)", kAll), 0u);
  EXPECT_EQ(choose_tier(kTiers, "import json", kAll), 0u);
  EXPECT_EQ(choose_tier(kTiers, "import numpy as np", kAll), 1u);
  EXPECT_EQ(choose_tier(kTiers, "import matplotlib.pyplot as plt", kAll), 2u);
  EXPECT_EQ(choose_tier(kTiers, "import numpy, pandas", kAll), 2u);
}

TEST(ChooseTierTest, KnowsWhatWellKnownPackagesImport) {
  EXPECT_EQ(choose_tier(kTiers, "import scipy.stats", kAll), 1u);
  EXPECT_EQ(choose_tier(kTiers, "import seaborn as sns", kAll), 2u);
}

TEST(ChooseTierTest, PassesOverTiersThatCannotBeMade) {
  const auto without_full = [](std::size_t i) { return i != 2; };
  EXPECT_EQ(choose_tier(kTiers, "import numpy, pandas", without_full), 1u);
  EXPECT_EQ(choose_tier(kTiers, "print(1)", [](std::size_t) { return false; }), kTiers.size());
}

}  // namespace
}  // namespace podium::python_pod
