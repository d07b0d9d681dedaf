#include "cli/check.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "cli/doctor.hpp"
#include "cli/reload.hpp"
#include "support/temp_folder.hpp"

namespace podium::cli {
namespace {

using Verdict = Check::Verdict;

constexpr const char* kV1 =
    "30 25 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
    "31 25 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:10 - cgroup cgroup rw,pids\n"
    "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n";

TEST(CgroupCheck, FindsTheControllersOfVersionOne) {
  const Check check = check_cgroups(kV1, "", true);

  EXPECT_EQ(check.verdict, Verdict::kGood);
  EXPECT_EQ(check.found, "memory (v1), pids (v1), cpu (v1)");
}

TEST(CgroupCheck, PrefersVersionTwo) {
  const Check check = check_cgroups(kV1, "cpuset cpu io memory hugetlb pids\n", true);

  EXPECT_EQ(check.verdict, Verdict::kGood);
  EXPECT_EQ(check.found, "memory (v2), pids (v2), cpu (v2)");
}

TEST(CgroupCheck, NamesAControllerThatIsMissing) {
  const Check check = check_cgroups("31 25 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
                                    "hugetlb\n", true);

  EXPECT_EQ(check.verdict, Verdict::kWeak);
  EXPECT_EQ(check.found, "missing: memory, cpu; there: pids (v1)");
  EXPECT_FALSE(check.remedy.empty());
}

TEST(CgroupCheck, IsNotGoodWhereNoGroupCanBeMade) {
  const Check check = check_cgroups(kV1, "", false);

  EXPECT_EQ(check.verdict, Verdict::kWeak);
  EXPECT_NE(check.found.find("can make no group"), std::string::npos) << check.found;
  EXPECT_FALSE(check.remedy.empty());
}

TEST(SeccompCheck, WantsTheActionsThatTheSandboxUses) {
  EXPECT_EQ(check_seccomp("kill_process kill_thread trap errno allow\n").verdict, Verdict::kGood);
  EXPECT_EQ(check_seccomp("kill_thread errno allow\n").verdict, Verdict::kBad);
  EXPECT_EQ(check_seccomp("").verdict, Verdict::kBad);
}

Config config_with_packages(std::vector<std::string> packages) {
  Config config;
  LanguageConfig language;
  language.name = "py";
  language.command = {"/usr/bin/python3", "{source}"};
  language.packages = std::move(packages);
  config.languages.push_back(language);
  return config;
}

TEST(PackageCheck, NamesThePackagesThatAreNotInstalled) {
  constexpr const char* kStatus =
      "Package: python3\nStatus: install ok installed\nVersion: 3.11\n\n"
      "Package: python3-numpy\nStatus: deinstall ok config-files\n\n"
      "Package: python3-pandas-lib\nStatus: install ok installed\n";

  const auto checks =
      check_packages(config_with_packages({"python3", "python3-numpy", "python3-pandas"}), kStatus);

  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].verdict, Verdict::kWeak);
  EXPECT_EQ(checks[0].remedy, "apt-get install python3-numpy python3-pandas");
}

TEST(PackageCheck, IsGoodWhenAllAreThere) {
  const auto checks = check_packages(config_with_packages({"python3"}),
                                     "Package: python3\nStatus: install ok installed\n");

  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].verdict, Verdict::kGood);
  EXPECT_EQ(checks[0].found, "/usr/bin/python3");
}

TEST(PackageCheck, NamesInOneLineTheLanguagesThatNobodyInstalled) {
  Config config = config_with_packages({"python3"});
  for (const char* name : {"x", "y"}) {
    LanguageConfig absent;
    absent.name = name;
    absent.command = {"/usr/bin/no-such-interpreter"};
    absent.packages = {"no-such-package"};
    config.languages.push_back(absent);
  }

  const auto checks = check_packages(config, "Package: python3\nStatus: install ok installed\n");

  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[1].verdict, Verdict::kGood);
  EXPECT_EQ(checks[1].found, "not installed: x y");
}

TEST(AccountCheck, TellsAMissingAccountWithTheCommandThatMakesIt) {
  const Check check = check_account("no-such-account");

  EXPECT_EQ(check.verdict, Verdict::kBad);
  EXPECT_EQ(check.remedy, "adduser --system --group --no-create-home no-such-account");
}

TEST(DiskCheck, MeasuresTheNearestFolderThatIsThere) {
  const Check check = check_disk(testing::TempDir() + "not/there/yet");

  EXPECT_NE(check.found.find("free below " + testing::TempDir().substr(0, 4)), std::string::npos)
      << check.found;
}

constexpr const char* kHealth = R"({
  "status": "degraded",
  "database": {"status": "healthy", "response_time_ms": 0.1},
  "sandbox": {"status": "healthy", "detail": {"cgroup": "none", "unenforced": ["memory", "cpu"]}},
  "plugins": {"jobs": {"status": "degraded", "plugin": "org.podium.runtime.job 0.1.0"},
              "files": {"status": "unhealthy", "detail": {"error": "disk full"}}}})";

TEST(PartsCheck, TranslatesEveryPartOfTheHealthAnswer) {
  const auto checks = check_parts(json_parse(kHealth));

  std::map<std::string, Verdict> verdicts;
  for (const Check& check : checks) verdicts[check.name] = check.verdict;
  EXPECT_EQ(verdicts, (std::map<std::string, Verdict>{{"database", Verdict::kGood},
                                                      {"sandbox", Verdict::kGood},
                                                      {"plugin jobs", Verdict::kWeak},
                                                      {"plugin files", Verdict::kBad},
                                                      {"limits", Verdict::kWeak}}));
}

TEST(PartsCheck, NamesTheLimitsThatAreNotEnforced) {
  const auto checks = check_parts(json_parse(kHealth));

  EXPECT_EQ(checks.back().found, "not enforced here: memory, cpu");
}

struct Printed {
  int code;
  std::string text;
};

Printed print(const std::vector<Check>& checks, bool json) {
  std::istringstream in;
  std::ostringstream out, err;
  Console console{in, out, err, json};
  const int code = print_checks(checks, console);
  return {code, out.str()};
}

TEST(Doctor, EndsWithOneOnlyWhenSomethingIsBad) {
  const Check good{"a", Verdict::kGood, "fine", ""}, weak{"b", Verdict::kWeak, "so so", "do this"},
      bad{"c", Verdict::kBad, "broken", "mend it"};

  EXPECT_EQ(print({good, weak}, false).code, 0);
  EXPECT_EQ(print({good, bad, weak}, false).code, 1);
}

TEST(Doctor, PrintsTheRemedyBelowTheFact) {
  const Printed printed = print({{"c", Verdict::kBad, "broken", "mend it"}}, false);

  EXPECT_EQ(printed.text, "bad  c               broken\n                     → mend it\n");
}

TEST(Doctor, PrintsJsonThatAProgramCanRead) {
  const Json json = json_parse(print({{"c", Verdict::kBad, "broken", "mend it"}}, true).text);

  EXPECT_EQ(*json.find("ok"), Json(false));
  const Json& check = json.find("checks")->items().at(0);
  EXPECT_EQ(*check.find("verdict"), Json("bad"));
  EXPECT_EQ(*check.find("remedy"), Json("mend it"));
}

TEST(MetricValue, FindsTheSampleWithExactlyThatNameAndLabels) {
  constexpr const char* kText =
      "# HELP podium_reloads_total Reloads\n"
      "podium_reloads_total{result=\"failed\"} 3\n"
      "podium_reloads_total{result=\"ok\"} 12\n"
      "podium_reloads_total{result=\"ok\"}_more 7\n";

  EXPECT_EQ(metric_value(kText, R"(podium_reloads_total{result="ok"})"), 12);
  EXPECT_EQ(metric_value(kText, R"(podium_reloads_total{result="failed"})"), 3);
  EXPECT_EQ(metric_value(kText, "podium_reloads_total"), std::nullopt);
  EXPECT_EQ(metric_value("", "podium_reloads_total"), std::nullopt);
}

TEST(FindDaemon, RefusesAProcessThatIsNoPodiumd) {
  const test::TempFolder dir;
  dir.write("podiumd.pid", std::to_string(::getpid()) + "\n");

  try {
    find_daemon(dir.path());
    FAIL() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("no podiumd"), std::string::npos);
  }
}

}  // namespace
}  // namespace podium::cli
