#include "cli/command_line.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/failure.hpp"
#include "cli/keys.hpp"
#include "support/temp_folder.hpp"

namespace podium::cli {
namespace {

using Variables = std::map<std::string, std::string>;

/// Reads with a state directory where no key lies, unless the test names another.
CommandLine read(const std::vector<std::string>& words, Variables variables = {}) {
  variables.try_emplace("PODIUM_STATE_DIR", "/nonexistent");
  return parse_command_line(words, [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string usage_error(const std::vector<std::string>& words) {
  try {
    read(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

/// A folder of this process alone: each test is one.
const std::filesystem::path& own_folder() {
  static const test::TempFolder kFolder;
  return kFolder.path();
}

std::string file_with(const std::string& name, const std::string& text) {
  const std::string path = own_folder() / name;
  std::ofstream(path) << text;
  return path;
}

TEST(CommandLine, ReadsEveryOptionOfExec) {
  const CommandLine line =
      read({"exec", "--lang", "bash", "--file", "a.csv", "--file=b.csv", "--out", "results", "--arg",
            "--x", "--arg", "", "--stdin", "--timeout", "1.5s", "--quiet", "script"});

  EXPECT_EQ(line.command, Command::kExec);
  EXPECT_EQ(line.exec.source, "script");
  EXPECT_EQ(line.exec.language, "bash");
  EXPECT_EQ(line.exec.files, (std::vector<std::filesystem::path>{"a.csv", "b.csv"}));
  EXPECT_EQ(line.exec.out, "results");
  EXPECT_EQ(line.exec.arguments, (std::vector<std::string>{"--x", ""}));
  EXPECT_TRUE(line.exec.pass_stdin);
  EXPECT_EQ(line.exec.timeout, milliseconds(1500));
  EXPECT_TRUE(line.exec.quiet);
}

TEST(CommandLine, TellsTheLanguageByTheExtension) {
  EXPECT_EQ(read({"exec", "plot.py"}).exec.language, "py");
  EXPECT_EQ(read({"exec", "a/b.d/run.sh"}).exec.language, "bash");
  EXPECT_EQ(read({"exec", "--lang", "r", "plot.py"}).exec.language, "r");
}

TEST(CommandLine, AsksForTheLanguageWhereItCannotBeTold) {
  EXPECT_NE(usage_error({"exec", "-"}).find("--lang"), std::string::npos);
  EXPECT_NE(usage_error({"exec", "program.xyz"}).find("program.xyz"), std::string::npos);
}

TEST(CommandLine, NamesWhatItDoesNotUnderstand) {
  EXPECT_EQ(usage_error({}),
            "a command is missing: exec, runs, cancel, status, languages, doctor, reload, config, "
            "keys, audit, backup or plugin");
  EXPECT_EQ(usage_error({"run"}),
            "unknown command 'run'; expected exec, runs, cancel, status, languages, doctor, reload, "
            "config, keys, audit, backup or plugin");
  EXPECT_EQ(usage_error({"status", "--bogus"}), "unknown option --bogus");
  EXPECT_EQ(usage_error({"status", "--key"}), "the option --key wants a value");
  EXPECT_EQ(usage_error({"status", "more"}), "unexpected argument 'more'");
  EXPECT_NE(usage_error({"status", "--lang", "py"}).find("belong to exec"), std::string::npos);
  EXPECT_NE(usage_error({"exec", "a.py", "b.py"}).find("--arg"), std::string::npos);
}

TEST(CommandLine, RefusesATimeoutThatIsNoTimeAboveZero) {
  for (const char* text : {"0", "-1s", "soon", "10"}) {
    EXPECT_NE(usage_error({"exec", "--timeout", text, "a.py"}).find("--timeout"), std::string::npos)
        << text;
  }
}

TEST(CommandLine, RefusesStandardInputForTwoPurposes) {
  EXPECT_NE(usage_error({"exec", "--lang", "py", "--stdin", "-"}).find("standard input"),
            std::string::npos);
}

TEST(CommandLine, TakesTheKeyFromTheNearestPlace) {
  const std::string file = file_with("a-key", "from-file\n");
  const Variables both{{"PODIUM_KEY", "from-variable"}, {"PODIUM_KEY_FILE", file}};

  EXPECT_EQ(read({"status", "--key", "given"}, both).server.key, "given");
  EXPECT_EQ(read({"status", "--key-file", file}, both).server.key, "from-file");
  EXPECT_EQ(read({"status"}, both).server.key, "from-variable");
  EXPECT_EQ(read({"status"}, {{"PODIUM_KEY_FILE", file}}).server.key, "from-file");
  EXPECT_EQ(read({"status"}).server.key, "");
}

TEST(CommandLine, FindsTheKeyThatTheFirstStartLeft) {
  file_with("first-key", "sk-first\n");

  const CommandLine line = read({"status", "--state-dir", own_folder()});

  EXPECT_EQ(line.server.key, "sk-first");
  EXPECT_NE(line.server.key_origin.find("first-key"), std::string::npos);
}

TEST(CommandLine, NamesAKeyFileThatCannotBeRead) {
  try {
    read({"status", "--key-file", "/nonexistent/key"});
    FAIL() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("/nonexistent/key"), std::string::npos);
  }
}

TEST(CommandLine, PrefersTheUrlThatIsGivenToTheVariable) {
  const Variables variables{{"PODIUM_URL", "http://a:1"}};

  EXPECT_EQ(read({"status"}).server.url, "http://127.0.0.1:8000");
  EXPECT_EQ(read({"status"}, variables).server.url, "http://a:1");
  EXPECT_EQ(read({"status", "--url", "http://b:2"}, variables).server.url, "http://b:2");
}

TEST(CommandLine, HelpsWhateverElseStandsThere) {
  EXPECT_EQ(read({"exec", "--help"}).command, Command::kHelp);
  EXPECT_EQ(read({"-h"}).command, Command::kHelp);
  EXPECT_EQ(read({"--version", "nonsense"}).command, Command::kVersion);
}

TEST(CommandLine, LeavesOptionsBehindTwoDashesAlone) {
  EXPECT_EQ(read({"exec", "--lang", "py", "--", "--quiet"}).exec.source, "--quiet");
}

TEST(CommandLine, ReadsWhatKeysShallDo) {
  const CommandLine made = read({"keys", "create", "chat", "--name", "The chat", "--tenant", "acme",
                                 "--limit", "minute=60", "--limit=concurrent=2"});

  EXPECT_EQ(made.command, Command::kKeys);
  EXPECT_EQ(made.keys.action, KeyAction::kCreate);
  EXPECT_EQ(made.keys.id, "chat");
  EXPECT_EQ(json_dump(key_changes(made.keys)),
            R"({"id":"chat","name":"The chat","tenant":"acme",)"
            R"("rate_limits":{"per_minute":60,"concurrent":2}})");
  EXPECT_EQ(read({"keys"}).keys.action, KeyAction::kList);
  EXPECT_EQ(read({"keys", "list"}).keys.action, KeyAction::kList);
  EXPECT_EQ(json_dump(key_changes(read({"keys", "disable", "chat"}).keys)), R"({"enabled":false})");
  EXPECT_EQ(json_dump(key_changes(read({"keys", "enable", "chat"}).keys)), R"({"enabled":true})");
  EXPECT_EQ(json_dump(key_changes(read({"keys", "change", "c", "--limit", "default"}).keys)),
            R"({"rate_limits":null})");
  EXPECT_EQ(read({"audit", "--principal", "chat", "--lines", "7"}).audit.lines, 7u);
}

TEST(CommandLine, SaysWhatIsWrongWithKeys) {
  EXPECT_NE(usage_error({"keys", "burn", "chat"}).find("unknown action 'burn'"), std::string::npos);
  EXPECT_NE(usage_error({"keys", "create"}).find("wants one key's id"), std::string::npos);
  EXPECT_NE(usage_error({"keys", "list", "chat"}).find("wants no id"), std::string::npos);
  EXPECT_NE(usage_error({"keys", "change", "chat"}).find("something to change"), std::string::npos);
  EXPECT_NE(usage_error({"keys", "delete", "a", "--name", "x"}).find("belong to"),
            std::string::npos);
  EXPECT_NE(usage_error({"keys", "create", "a", "--limit", "year=1"}).find("--limit"),
            std::string::npos);
  EXPECT_NE(usage_error({"keys", "create", "a", "--limit", "day=x"}).find("--limit day=x"),
            std::string::npos);
  EXPECT_NE(usage_error({"status", "--limit", "day=1"}).find("belong to keys"), std::string::npos);
  EXPECT_NE(usage_error({"exec", "--lines", "1", "a.py"}).find("belong to audit"),
            std::string::npos);
}

TEST(CommandLine, FindsTheAdministratorsKeyForKeysOnly) {
  const Variables both{{"PODIUM_KEY", "sk-user"}, {"PODIUM_ADMIN_KEY", "sk-admin"}};

  EXPECT_EQ(read({"keys"}, both).server.key, "sk-admin");
  EXPECT_EQ(read({"audit"}, both).server.key, "sk-admin");
  EXPECT_EQ(read({"backup"}, both).server.key, "sk-admin");
  EXPECT_EQ(read({"status"}, both).server.key, "sk-user");
  const std::string folder = own_folder() / "podium-admin-state";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/admin-key") << "sk-of-the-file\n";
  EXPECT_EQ(read({"keys"}, {{"PODIUM_STATE_DIR", folder}}).server.key, "sk-of-the-file");
  EXPECT_EQ(read({"status"}, {{"PODIUM_STATE_DIR", folder}}).server.key, "");
}

}  // namespace
}  // namespace podium::cli
