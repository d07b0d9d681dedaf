#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "plugin/library.hpp"
#include "plugins/workshop.hpp"

using namespace podium;
using podium::test::message_of;
using podium::test::Workshop;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

/// A library of the corpus, and what the host says when it is loaded.
struct Defect {
  const char* name;
  const char* expected;
};

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.name; }

class Corpus : public ::testing::TestWithParam<Defect> {};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Loading : public ::testing::Test {
 protected:
  std::string load(const std::filesystem::path& file) {
    return message_of([&] { PluginLibrary::load(file); });
  }
  Workshop workshop;
};

}  // namespace

TEST_P(Corpus, IsRefusedWithItsOwnReason) {
  Workshop workshop;
  std::string name = GetParam().name;
  auto file = workshop.add("tests/broken_plugins/" + name + ".so", name);

  EXPECT_THAT(message_of([&] { PluginLibrary::load(file); }), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    BrokenPlugins, Corpus,
    ::testing::Values(
        Defect{"no_symbol", "it exports no podium_plugin_v1"},
        Defect{"function_symbol", "its symbol podium_plugin_v1 is no data"},
        Defect{"short_symbol", "its symbol podium_plugin_v1 has 12 bytes, expected"},
        Defect{"wrong_major", "it was built for plugin ABI 2.1, this podiumd loads 1.x; rebuild"},
        Defect{"higher_minor", "it was built for plugin ABI 1.2, this podiumd loads up to 1.1"},
        Defect{"small_plugin", "its podium_plugin says that it has 40 bytes, expected at least 48"},
        Defect{"null_get_factory", "its get_factory is NULL"},
        Defect{"no_factory", "it offers no factory that this podiumd knows"},
        Defect{"two_kinds", "it offers a storage and a response, expected one kind"},
        Defect{"null_id", "its id is NULL"}, Defect{"garbled_id", "its id is no text"},
        Defect{"empty_version", "its version is no text"},
        Defect{"small_factory", "its response factory says that it has 0 bytes, expected"},
        Defect{"null_create", "the create of its response factory is NULL"},
        Defect{"option_twice", "its option 'name' is in the option table twice"},
        Defect{"option_type", "its option 'count' has the unknown type 99"},
        Defect{"option_name", "its option 'Count!' is not in snake_case"},
        Defect{"option_null_name", "its option's name is NULL"},
        Defect{"option_null_doc", "its option 'count' has no sentence"},
        Defect{"option_size", "a row of its option table says that it has 0 bytes"},
        Defect{"option_null_rows", "its option table has 2 rows at NULL"},
        Defect{"throws_in_get_factory",
               "get_factory let an exception out, against the ABI: "
               "thrown by get_factory"},
        Defect{"undefined_symbol", "undefined symbol: podium_nobody_defines_this"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(Loading, AcceptsThePluginThatTheCorpusIsMadeFrom) {
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");

  auto library = PluginLibrary::load(file);

  EXPECT_EQ(library->kind(), PluginKind::kResponse);
  EXPECT_EQ(library->id(), "org.podium.test.broken 1.0.0");
  EXPECT_EQ(library->options()->count, 2u);
  EXPECT_EQ(library->path(), std::filesystem::canonical(file));
}

TEST_F(Loading, LoadsAFileThatWasRepairedAfterItWasRefused) {
  auto file = workshop.add("tests/broken_plugins/wrong_major.so", "repaired");
  ASSERT_THAT(load(file), HasSubstr("2.1"));

  std::filesystem::remove(file);
  workshop.add("tests/broken_plugins/sound.so", "repaired");

  EXPECT_EQ(load(file), "");
}

TEST_F(Loading, RefusesARelativePath) {
  EXPECT_THAT(load("sound.so"), HasSubstr("'sound.so' is a relative path"));
}

TEST_F(Loading, RefusesAFileThatIsNotThere) {
  EXPECT_THAT(load(workshop.dir.path() / "none.so"), HasSubstr("No such file or directory"));
}

TEST_F(Loading, RefusesADirectory) {
  EXPECT_THAT(load(workshop.dir.path()), HasSubstr("is no regular file"));
}

TEST_F(Loading, RefusesAFileThatIsNoLibrary) {
  EXPECT_THAT(load(workshop.write("text.so", "#!/bin/sh\nexit 0\n# long enough for a header....")),
              HasSubstr("it is no ELF file"));
  EXPECT_THAT(load(workshop.write("empty.so", "")), HasSubstr("it is no ELF file"));
}

TEST_F(Loading, RefusesAProgram) {
  std::string name = "/proc/self/exe";
  auto file = workshop.write("program.so", content_of(name));

  EXPECT_NE(load(file), "");
}

TEST_F(Loading, RefusesALibraryOfAnotherProcessor) {
  std::string content = content_of(workshop.add("tests/broken_plugins/sound.so", "sound"));
  content[18] = static_cast<char>(content[18] + 1);  // e_machine

  EXPECT_THAT(load(workshop.write("foreign.so", content)),
              HasSubstr("it is built for another processor"));
}

TEST_F(Loading, RefusesALibraryCutShortAtAnyLength) {
  std::string content = content_of(workshop.add("tests/broken_plugins/sound.so", "sound"));

  // The section headers at the end are not loaded, so a cut there may pass; no cut may crash.
  for (std::size_t length = 0; length < content.size(); length += 97) {
    auto file = workshop.write("cut.so", content.substr(0, length));
    std::string message = load(file);
    if (length < content.size() / 2) {
      EXPECT_NE(message, "") << "at " << length << " of " << content.size();
    }
    std::filesystem::remove(file);
  }
}

TEST_F(Loading, RefusesAFileThatOthersMayWrite) {
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");

  std::filesystem::permissions(file, std::filesystem::perms(0664));
  EXPECT_THAT(load(file), AllOf(HasSubstr("is writable by its group or by others (mode 0664)"),
                                HasSubstr("chmod go-w")));
  std::filesystem::permissions(file, std::filesystem::perms(0646));
  EXPECT_THAT(load(file), HasSubstr("(mode 0646)"));
}

TEST_F(Loading, RefusesAFileInAFolderThatOthersMayWrite) {
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");

  std::filesystem::permissions(workshop.dir.path(), std::filesystem::perms(0777));

  EXPECT_THAT(load(file), AllOf(HasSubstr(workshop.dir.path().filename().string() +
                                          " is writable by its group or by others"),
                                HasSubstr("0777")));
}

TEST_F(Loading, RefusesAFileOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");

  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);

  EXPECT_THAT(load(file), HasSubstr("belongs to uid 12345, expected root or the daemon's user"));
}

TEST_F(Loading, JudgesTheFileThatASymbolicLinkLeadsTo) {
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");
  auto link = workshop.dir.path() / "link.so";
  std::filesystem::create_symlink(file, link);
  ASSERT_EQ(load(link), "");

  std::filesystem::permissions(file, std::filesystem::perms(0666));

  EXPECT_THAT(load(link), HasSubstr("sound.so is writable"));
}

TEST_F(Loading, SaysOnceThatALoadedLibraryHasChangedOnDisk) {
  auto file = workshop.add("tests/broken_plugins/sound.so", "sound");
  LibraryRegistry registry(workshop.log.log());
  auto first = registry.get(file);
  EXPECT_FALSE(workshop.log.has("needs restart"));

  std::filesystem::remove(file);
  workshop.add("tests/broken_plugins/media_type.so", "sound");
  auto second = registry.get(file);

  EXPECT_EQ(first, second);
  EXPECT_TRUE(workshop.log.has("needs restart"));
}
