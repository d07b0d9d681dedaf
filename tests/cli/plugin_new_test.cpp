#include "cli/plugin_new.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/failure.hpp"
#include "cli/command_line.hpp"
#include "support/temp_folder.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kTemplates = fs::path(PODIUM_SOURCE_DIR) / "sdk/template";

std::string text_in(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

class PluginNew : public testing::Test {
 protected:
  int write(const std::string& kind, const std::string& name) {
    Console console{in_, out_, err_, false};
    return run_plugin_new({kind, name, folder_}, kTemplates, console);
  }

  test::TempFolder own_;
  const fs::path folder_ = own_ / "plugins";
  std::istringstream in_;
  std::ostringstream out_, err_;
};

TEST_F(PluginNew, WritesAProjectOfThatNameForEachKind) {
  for (const std::string kind : {"runtime", "storage", "response"}) {
    EXPECT_EQ(write(kind, "big-store2"), 0);

    const std::string header = text_in(folder_ / "src/big_store2.hpp");
    EXPECT_NE(header.find("class BigStore2 final"), std::string::npos) << kind;
    EXPECT_NE(text_in(folder_ / "src/big_store2.cpp").find("org.example.big-store2"),
              std::string::npos);
    EXPECT_NE(text_in(folder_ / "CMakeLists.txt").find("podium_add_plugin(big_store2 KIND " + kind),
              std::string::npos);
    fs::remove_all(folder_);
  }
}

TEST_F(PluginNew, LeavesNothingOfTheTemplatesName) {
  write("storage", "x");

  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find("my_plugin"), std::string::npos) << entry.path();
    if (!entry.is_regular_file()) continue;
    const std::string text = text_in(entry.path());
    for (const char* former : {"my_plugin", "my-plugin", "MyPlugin"}) {
      EXPECT_EQ(text.find(former), std::string::npos) << entry.path() << ": " << former;
    }
  }
}

TEST_F(PluginNew, TouchesNoFolderThatHoldsSomething) {
  fs::create_directory(folder_);
  std::ofstream(folder_ / "mine") << "precious";

  EXPECT_THROW(write("runtime", "lua"), Failure);

  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(PluginNew, SaysWhereATemplateWasSoughtAndHowToGetOne) {
  Console console{in_, out_, err_, false};
  try {
    run_plugin_new({"runtime", "lua", folder_}, "/nonexistent", console);
    FAIL() << "wrote a plugin from nothing";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("/nonexistent/runtime"), std::string::npos);
    EXPECT_NE(std::string(failure.what()).find("--component sdk"), std::string::npos);
  }
}

CommandLine read_words(const std::vector<std::string>& words) {
  return parse_command_line(words, [](const char*) -> const char* { return nullptr; });
}

TEST(PluginNewWords, ReadKindNameAndFolder) {
  const CommandLine line = read_words({"plugin", "new", "storage", "my-store", "--dir", "/tmp/x"});

  EXPECT_EQ(line.command, Command::kPluginNew);
  EXPECT_EQ(line.plugin.kind, "storage");
  EXPECT_EQ(line.plugin.name, "my-store");
  EXPECT_EQ(line.plugin.dir, "/tmp/x");
}

TEST(PluginNewWords, RefuseUnknownKindsAndNamesThatCannotBeAFilesOrAClasses) {
  EXPECT_THROW(read_words({"plugin", "new", "transport", "x"}), UsageError);
  EXPECT_THROW(read_words({"plugin", "new", "runtime"}), UsageError);
  EXPECT_THROW(read_words({"plugin", "make", "runtime", "x"}), UsageError);
  EXPECT_THROW(read_words({"status", "--dir", "x"}), UsageError);
  for (const char* name : {"", "Lua", "2x", "a--b", "a-", "../x", "a/b", "a b", "ä"}) {
    EXPECT_THROW(read_words({"plugin", "new", "runtime", name}), UsageError) << name;
  }
}

}  // namespace
}  // namespace podium::cli
