#include "cli/languages.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "config/usable.hpp"

namespace podium::cli {
namespace {

TEST(VersionIn, FindsTheFirstNumberWithDots) {
  EXPECT_EQ(version_in("openjdk 17.0.15 2025-04-15\nmore"), "17.0.15");
  EXPECT_EQ(version_in("gcc (Debian 12.2.0-14+deb12u1) 12.2.0"), "12.2.0");
  EXPECT_EQ(version_in("go version go1.19.8 linux/amd64"), "1.19.8");
  EXPECT_EQ(version_in("v20.20.2"), "20.20.2");
}

TEST(VersionIn, IsTheFirstLineWhereThereIsNone) {
  EXPECT_EQ(version_in("release 7\nmore"), "release 7");
  EXPECT_EQ(version_in(""), "");
}

TEST(Languages, AreOnlyNamedWithNames) {
  CommandLine line;
  line.names_only = true;
  std::istringstream in;
  std::ostringstream out, err;
  Console console{in, out, err, true};

  EXPECT_EQ(run_languages(line, console), 0);

  EXPECT_EQ(out.str().substr(0, 3), "py\n");
  EXPECT_NE(out.str().find("\npython\n"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find(' '), std::string::npos) << out.str();
}

LanguageConfig language(std::vector<std::string> compile, std::vector<std::string> command) {
  LanguageConfig out;
  out.compile = std::move(compile);
  out.command = std::move(command);
  return out;
}

TEST(WhyUnusable, IsNothingForProgramsThatTheSandboxShows) {
  EXPECT_EQ(why_unusable(language({"/usr/bin/env", "x"}, {"{folder}/program"}), Config{}), "");
  EXPECT_EQ(why_unusable(language({}, {"/bin/sh", "{source}"}), Config{}), "");
}

TEST(WhyUnusable, NamesAProgramThatIsMissing) {
  EXPECT_EQ(why_unusable(language({"/usr/bin/no-such"}, {"/bin/sh"}), Config{}),
            "/usr/bin/no-such is not there");
}

TEST(WhyUnusable, NamesAProgramThatTheSandboxDoesNotShow) {
  Config config;
  const LanguageConfig outside = language({}, {"/proc/self/exe", "{source}"});
  const std::string own = std::filesystem::read_symlink("/proc/self/exe");

  EXPECT_EQ(why_unusable(outside, config).find(own + " is outside of what sandboxes show"), 0u);

  config.sandbox.read_only_paths = {std::filesystem::path(own).parent_path()};
  EXPECT_EQ(why_unusable(outside, config), "");
}

}  // namespace
}  // namespace podium::cli
