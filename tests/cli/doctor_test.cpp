#include "cli/doctor.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "cli/check.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

constexpr uid_t kNobody = 65'534;
constexpr std::time_t kIn2026 = 1'780'000'000;

/// What is not good says what to do, and what is good asks for nothing.
void expect_remedy(const Check& check, Verdict verdict) {
  EXPECT_EQ(check.verdict, verdict) << check.name << ": " << check.found;
  EXPECT_FALSE(check.found.empty()) << check.name;
  EXPECT_EQ(check.remedy.empty(), verdict == Verdict::kGood) << check.name << ": " << check.remedy;
}

/// An ordinary user for as long as it lives; the tests run as root. Does nothing when they do not.
class AsNobody {
 public:
  AsNobody() {
    if (root_ && ::seteuid(kNobody) != 0) std::abort();
  }
  ~AsNobody() {
    if (root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  const bool root_ = ::geteuid() == 0;
};

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string name = "/tmp/podium-doctor-XXXXXX";
    path_ = ::mkdtemp(name.data());
    fs::permissions(path_, fs::perms::owner_all | fs::perms::others_exec | fs::perms::others_read);
  }
  ~Folder() override { fs::remove_all(path_); }
  fs::path path_;
};

using Clock = testing::Test;
TEST_F(Clock, ThatStandsInThePastIsBad) { expect_remedy(check_clock(1'000, true), Verdict::kBad); }
TEST_F(Clock, ThatNobodyKeepsInStepIsWeak) {
  expect_remedy(check_clock(kIn2026, false), Verdict::kWeak);
}
TEST_F(Clock, ThatIsKeptInStepIsGood) { expect_remedy(check_clock(kIn2026, true), Verdict::kGood); }
TEST_F(Clock, OfThisMachineIsTheTime) { EXPECT_NE(check_clock().verdict, Verdict::kBad); }

TEST(Descriptors, AreWeakWhenThereAreFewerThanConnectionsButNotForRoot) {
  expect_remedy(check_descriptors(10'000, 1024, false), Verdict::kWeak);
  expect_remedy(check_descriptors(10'000, 1024, true), Verdict::kGood);
  // A socket and a file for each connection, and what runs and plugins need.
  expect_remedy(check_descriptors(10'000, 20'000, false), Verdict::kWeak);
  expect_remedy(check_descriptors(10'000, 24'096, false), Verdict::kGood);
}

TEST_F(Folder, OfStateThatIsOpenToOthersIsWeak) {
  expect_remedy(check_state_dir(path_, "no-such-account"), Verdict::kWeak);
  fs::permissions(path_, fs::perms::owner_all);
  expect_remedy(check_state_dir(path_, "no-such-account"), Verdict::kGood);
}

TEST_F(Folder, OfStateThatIsAFileOrSomebodyElsesIsBad) {
  std::ofstream(path_ / "file") << "x";
  expect_remedy(check_state_dir(path_ / "file", "no-such-account"), Verdict::kBad);
  expect_remedy(check_state_dir(path_ / "none", "no-such-account"), Verdict::kGood);
  if (::geteuid() != 0) GTEST_SKIP() << "giving a folder away wants root";
  ASSERT_EQ(::chown(path_.c_str(), 12'345, 12'345), 0);
  expect_remedy(check_state_dir(path_, "nobody"), Verdict::kBad);
}

TEST(Disk, ThatIsNearlyFullIsBad) {
  const fs::path full = "/proc";  // no byte is free there, ever
  expect_remedy(check_disk(full), Verdict::kBad);
}

TEST(Account, ThatIsMissingIsBadAndRootIsWeak) {
  expect_remedy(check_account("no-such-account"), Verdict::kBad);
  expect_remedy(check_account("root"), Verdict::kWeak);
  expect_remedy(check_account("nobody"), Verdict::kGood);
}

TEST(Kernel, OfTheMachineThatRunsTheTestsMakesSandboxesForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "wants root, as podiumd does";
  expect_remedy(check_namespaces(), Verdict::kGood);
  expect_remedy(check_overlay(), Verdict::kGood);
  const Check landlock = check_landlock();
  expect_remedy(landlock, landlock.verdict);
  EXPECT_NE(landlock.verdict, Verdict::kBad);
}

TEST(Kernel, IsNoBetterThanWeakForAnOrdinaryUser) {
  const AsNobody nobody;

  expect_remedy(check_namespaces(), Verdict::kWeak);
}

/// mountinfo of a hierarchy that is mounted at `folder`.
std::string mounted_at(const fs::path& folder) {
  return "30 25 0:26 / " + folder.string() + " rw,nosuid shared:9 - cgroup cgroup rw,memory\n";
}

TEST_F(Folder, OfGroupsThatIsNotThisUsersIsWeakForHim) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user wants root";
  {
    const AsNobody nobody;
    const Check check = check_delegation("4:memory:/\n", mounted_at(path_));
    expect_remedy(check, Verdict::kWeak);
    EXPECT_NE(check.remedy.find("systemd-run --user"), std::string::npos) << check.remedy;
  }
  ASSERT_EQ(::chown(path_.c_str(), kNobody, kNobody), 0);
  const AsNobody nobody;
  expect_remedy(check_delegation("4:memory:/\n", mounted_at(path_)), Verdict::kGood);
  EXPECT_TRUE(fs::is_empty(path_)) << "what it made to find out is still there";
}

TEST_F(Folder, OfGroupsIsFoundBelowAMountOfAPartOfTheHierarchy) {
  fs::create_directory(path_ / "own");
  const std::string mount =
      "30 25 0:26 /machine " + path_.string() + " rw - cgroup cgroup rw,memory\n";

  expect_remedy(check_delegation("4:memory:/machine/own\n", mount), Verdict::kGood);
  expect_remedy(check_delegation("4:memory:/machine/gone\n", mount), Verdict::kWeak);
}

TEST(Configuration, CannotBeCheckedWithoutPodiumdBesideThisProgram) {
  expect_remedy(check_plugins({}), Verdict::kBad);
}

TEST(Daemon, ThatDoesNotAnswerIsBad) {
  const std::vector<Check> checks =
      check_daemon(Client(Server{"http://127.0.0.1:1", "", "", false}));

  ASSERT_EQ(checks.size(), 1u);
  expect_remedy(checks[0], Verdict::kBad);
}

TEST(Parts, ThatAreNotHealthyHaveARemedyEach) {
  for (const Check& check : check_parts(json_parse(R"({
         "database": {"status": "unhealthy"},
         "sandbox": {"status": "degraded", "detail": {"unenforced": ["memory"], "weaker": ["one account"]}},
         "plugins": {"files": {"status": "unhealthy"}}})"))) {
    expect_remedy(check, check.verdict);
    EXPECT_NE(check.verdict, Verdict::kGood) << check.name;
  }
}

}  // namespace
}  // namespace podium::cli
