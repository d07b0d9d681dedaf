#include "imports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/sdk/values.hpp>

#include "tiers.hpp"

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

TEST(ImportsTest, ReadsTryAndElseOnOneLineAndAByteOrderMark) {
  EXPECT_THAT(imported_modules("\xef\xbb\xbfimport a\r\ntry: import b\r\nexcept: import c\r\n"),
              ElementsAre("a", "b", "c"));
}

TEST(ImportsTest, IsNotFooledByBracketsAndSlices) {
  EXPECT_THAT(
      imported_modules("x = {1: importer, 2: [a[1:imports]]}\nf(x,\nimport_=1)\nimport b\n"),
      ElementsAre("b"));
}

const std::vector<Tier> kTiers = read_tiers({"", "numpy", "numpy,pandas,matplotlib"});
const auto kAll = [](std::size_t) { return true; };

int tier_for(const char* code, const std::function<bool(std::size_t)>& usable = kAll) {
  return choose_tier(kTiers, imported_modules(code), usable);
}

TEST(ChooseTierTest, TakesTheSmallestThatHasAll) {
  EXPECT_EQ(tier_for("print(1)"), 0);
  EXPECT_EQ(tier_for("import json"), 0);
  EXPECT_EQ(tier_for("import numpy as np"), 1);
  EXPECT_EQ(tier_for("import matplotlib.pyplot as plt"), 2);
  EXPECT_EQ(tier_for("import numpy, pandas"), 2);
}

TEST(ChooseTierTest, KnowsWhatWellKnownPackagesImport) {
  EXPECT_EQ(tier_for("import scipy.stats"), 1);
  EXPECT_EQ(tier_for("import seaborn as sns"), 2);
  EXPECT_EQ(tier_for("from mpl_toolkits import mplot3d"), 2);
}

TEST(ChooseTierTest, PassesOverTiersThatCannotBeMade) {
  EXPECT_EQ(tier_for("import numpy, pandas", [](std::size_t i) { return i != 2; }), 1);
  EXPECT_EQ(tier_for("print(1)", [](std::size_t) { return false; }), -1);
}

std::string refusal(const std::vector<std::string>& tiers) {
  try {
    read_tiers(tiers);
  } catch (const sdk::Error& e) {
    return e.what();
  }
  return "";
}

TEST(ReadTiersTest, NamesTheEntryAtFault) {
  EXPECT_NE(refusal({}).find("is empty"), std::string::npos);
  EXPECT_NE(refusal({"numpy", "numpy"}).find("'numpy' stands there twice"), std::string::npos);
  EXPECT_NE(refusal({"", "bare"}).find("twice"), std::string::npos);
  EXPECT_NE(refusal({"numpy;pandas"}).find("'numpy;pandas'"), std::string::npos);
  EXPECT_NE(refusal({"numpy,"}).find("has ''"), std::string::npos);
  EXPECT_NE(refusal({std::string(300, 'x')}).find("255"), std::string::npos);
}

TEST(ReadTiersTest, CallsTheEmptyOneBare) {
  const auto tiers = read_tiers({"", "numpy,pandas"});

  EXPECT_EQ(tiers[0].name, "bare");
  EXPECT_TRUE(tiers[0].modules.empty());
  EXPECT_THAT(tiers[1].modules, ElementsAre("numpy", "pandas"));
  EXPECT_EQ(tiers[1].argument(), "numpy,pandas");
}

}  // namespace
}  // namespace podium::python_pod
