#include "policy/command_words.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

LanguageConfig java() {
  LanguageConfig language;
  language.source = "{public_class}.java";
  language.compile = {"/usr/bin/javac", "-d", "{folder}/classes", "{source}"};
  language.command = {"/usr/bin/java", "-XX:MaxRAM={memory}", "{main_class}", "{memory}{memory}"};
  return language;
}

TEST(ProgramWords, StandForTheClassesOfTheCodeAndTheLimit) {
  Limits limits;
  limits.memory = 1024;

  const ProgramWords words = program_words(
      java(), "package p; public class Hi { static void main(String[] a) {} }", limits);

  EXPECT_EQ(words.source, "Hi.java");
  EXPECT_EQ(words.command,
            (std::vector<std::string>{"/usr/bin/java", "-XX:MaxRAM=1024", "p.Hi", "10241024"}));
}

TEST(ProgramWords, LeaveToTheRuntimeWhatOnlyItKnows) {
  const ProgramWords words = program_words(java(), "", Limits{});

  EXPECT_EQ(words.compile, java().compile);
}

TEST(ProgramWords, AreNotExpandedTwice) {
  LanguageConfig language;
  language.source = "main";
  language.command = {"{main_class}"};

  const ProgramWords words = program_words(language, "class $memory {}", Limits{});

  EXPECT_EQ(words.command.front(), "$memory");
}

}  // namespace
}  // namespace podium
