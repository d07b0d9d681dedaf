#include "exec/tool_programs.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(ToolFunctions, HaveTheNamesThatClientsComputeForThem) {
  const auto python = [](std::string_view name) {
    return function_name(ToolLanguage::kPython, name);
  };
  EXPECT_EQ(python("get-weather"), "get_weather");
  EXPECT_EQ(python("two words"), "two_words");
  EXPECT_EQ(python("a.b!c"), "abc");
  EXPECT_EQ(python("2fast"), "_2fast");
  EXPECT_EQ(python("import"), "import_tool");
  EXPECT_EQ(python("yield"), "yield_tool");
  EXPECT_EQ(python("\xc3\xa9"), "");

  const auto bash = [](std::string_view name) { return function_name(ToolLanguage::kBash, name); };
  EXPECT_EQ(bash("a.b-c d"), "a_b_c_d");
  EXPECT_EQ(bash("import"), "import");
  EXPECT_EQ(bash("done"), "done_tool");
  EXPECT_EQ(bash("echo"), "echo_tool");
  EXPECT_EQ(bash("podium_call"), "podium_call_tool");
}

TEST(ToolPrograms, NameTheModulesThatTheCodeImportsWhereARuntimeLooks) {
  const std::string program = program_with_tools(
      ToolLanguage::kPython,
      "import numpy as np, os\nfrom pandas.core import x\n  import a.b\nprint('import y')\nfrom . "
      "import z\n",
      {}, "s");

  EXPECT_TRUE(program.starts_with("if 0: import numpy, os, pandas, a\n"))
      << program.substr(0, program.find('\n'));
}

TEST(ToolPrograms, HoldAnyCodeWithoutBeingChangedByIt) {
  const std::string code = "print(\"\"\"a\\n'b'\"\"\")\nEND_x\n$(boom) `boom`";
  const std::string bash = program_with_tools(ToolLanguage::kBash, code, {{"it's", "", {}}}, "s1");

  EXPECT_NE(bash.find("its() { podium_call 0 'it'\\''s' \"$@\"; }\n"), bash.npos);
  EXPECT_TRUE(bash.ends_with(" 9<<'END_s1'\n" + code + "\nEND_s1\n"));
}

}  // namespace
}  // namespace podium
