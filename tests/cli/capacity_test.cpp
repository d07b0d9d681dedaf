#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "cli/check.hpp"
#include "support/temp_folder.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

Config config_with(unsigned runs, Bytes memory, std::uint64_t processes) {
  Config config;
  config.admission.runs = runs;
  LanguageConfig language;
  language.limits.memory = memory;
  language.limits.processes = processes;
  config.languages.push_back(language);
  config.sandbox.uid_base = 300'000;
  return config;
}

TEST(MemoryCheck, IsWeakWhenAllRunsTogetherMayUseMoreThanThereIs) {
  constexpr const char* kTwoGiB = "MemTotal:        2097152 kB\nMemFree: 1 kB\n";

  EXPECT_EQ(check_memory(config_with(4, 512u << 20, 1), kTwoGiB).verdict, Verdict::kGood);
  const Check check = check_memory(config_with(5, 512u << 20, 1), kTwoGiB);

  EXPECT_EQ(check.verdict, Verdict::kWeak);
  EXPECT_NE(check.remedy.find("\"admission\""), std::string::npos) << check.remedy;
}

TEST(MemoryCheck, SaysWhenTheMachineDoesNotTell) {
  EXPECT_EQ(check_memory(config_with(1, 1, 1), "").verdict, Verdict::kWeak);
}

TEST(ProcessCheck, WantsAnIdForEveryProcessOfEveryRun) {
  EXPECT_EQ(check_processes(config_with(8, 1, 128), "32768\n").verdict, Verdict::kGood);
  EXPECT_EQ(check_processes(config_with(400, 1, 128), "32768\n").verdict, Verdict::kWeak);
}

TEST(SandboxUserCheck, NamesTheAccountThatIsASandboxes) {
  const Check check = check_sandbox_users(
      config_with(1, 1, 1), "root:x:0:0::/:/bin/sh\nann:x:300007:100::/home/ann:/bin/sh\n");

  EXPECT_EQ(check.verdict, Verdict::kBad);
  EXPECT_NE(check.found.find("ann is user 300007"), std::string::npos) << check.found;
}

TEST(SandboxUserCheck, IsGoodWhenNoAccountIsInTheRange) {
  EXPECT_EQ(check_sandbox_users(config_with(1, 1, 1), "root:x:0:0::/:/bin/sh\n").verdict,
            Verdict::kGood);
}

TEST(SystemCallCheck, FindsAllOfThemOnAMachineThatRunsTheTests) {
  const Check check = check_system_calls();

  EXPECT_EQ(check.verdict, Verdict::kGood) << check.found;
}

class NamespaceBounds : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* kind : {"mnt", "pid", "net", "ipc", "uts", "cgroup"}) write(kind, 5000);
  }
  void write(const std::string& kind, int number) {
    folder_.write("max_" + kind + "_namespaces", std::to_string(number) + "\n");
  }

  test::TempFolder folder_;
};

TEST_F(NamespaceBounds, AreGoodWhenAllAreHighEnough) {
  EXPECT_EQ(check_namespace_bounds(folder_.path(), 8).verdict, Verdict::kGood);
}

TEST_F(NamespaceBounds, AreBadWhenOneIsTooLowAndItIsNamed) {
  write("net", 0);

  const Check check = check_namespace_bounds(folder_.path(), 8);

  EXPECT_EQ(check.verdict, Verdict::kBad);
  EXPECT_NE(check.found.find("max_net_namespaces=0"), std::string::npos) << check.found;
}

TEST(DelegationCheck, NamesTheGroupInWhichNoneCanBeMade) {
  // A folder of /proc takes no new folder from anybody, root included.
  constexpr const char* kMounts =
      "30 25 0:26 / /proc rw,nosuid shared:9 - cgroup cgroup rw,memory\n";

  const Check check = check_delegation("4:memory:/self\n", kMounts);

  EXPECT_EQ(check.verdict, Verdict::kWeak);
  EXPECT_NE(check.found.find("/proc/self"), std::string::npos) << check.found;
  EXPECT_NE(check.remedy.find("Delegate=yes"), std::string::npos);
}

class StateOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    config_.state_dir = dir_;
    config_.user = "no-such-account";  // whose files these are is checked elsewhere
    config_.storage = "files";
    config_.plugins.push_back({"files", "storage/local", Json::object()});
  }

  /// A database of two pages of 4096 bytes by its header, of `size` bytes on disk.
  void write_database(std::size_t size, std::string magic = std::string("SQLite format 3\0", 16)) {
    std::string bytes = std::move(magic);
    bytes.resize(100, '\0');
    bytes[16] = 0x10;  // 4096, big-endian
    bytes[31] = 2;
    bytes.resize(size, '\0');
    std::ofstream(dir_ / "podium.db", std::ios::binary) << bytes;
  }

  test::TempFolder folder_;
  const fs::path& dir_ = folder_.path();
  Config config_;
};

TEST_F(StateOnDisk, ADatabaseThatIsNotThereYetIsGood) {
  EXPECT_EQ(check_database(dir_, config_.user).verdict, Verdict::kGood);
}

TEST_F(StateOnDisk, AWholeDatabaseIsGood) {
  write_database(8192);

  EXPECT_EQ(check_database(dir_, config_.user).verdict, Verdict::kGood);
}

TEST_F(StateOnDisk, ADatabaseThatWasCutOffIsBadAndTheRemedyIsTheBackup) {
  write_database(4096);

  const Check check = check_database(dir_, config_.user);

  EXPECT_EQ(check.verdict, Verdict::kBad);
  EXPECT_NE(check.found.find("1 of 2 pages"), std::string::npos) << check.found;
  EXPECT_NE(check.remedy.find("backup"), std::string::npos);
}

TEST_F(StateOnDisk, AFileOfSomethingElseIsNoDatabase) {
  write_database(8192, "hello");

  EXPECT_EQ(check_database(dir_, config_.user).verdict, Verdict::kBad);
}

TEST_F(StateOnDisk, ADatabaseOfAnotherAccountIsBad) {
  write_database(8192);
  if (::geteuid() != 0) GTEST_SKIP() << "its owner is only another one for root";
  ASSERT_EQ(::chown((dir_ / "podium.db").c_str(), 4711, 4711), 0);

  const Check check = check_database(dir_, "root");

  EXPECT_EQ(check.verdict, Verdict::kBad);
  EXPECT_NE(check.remedy.find("chown"), std::string::npos);
}

TEST_F(StateOnDisk, AStorageFolderThatIsAFileIsBad) {
  std::ofstream(dir_ / "blobs") << "x";

  EXPECT_EQ(check_store(config_).verdict, Verdict::kBad);
}

TEST_F(StateOnDisk, AStorageElsewhereIsLeftToItsPlugin) {
  config_.plugins[0].library = "storage/minio";

  const Check check = check_store(config_);

  EXPECT_EQ(check.verdict, Verdict::kGood);
  EXPECT_NE(check.found.find("not on this machine"), std::string::npos);
}

}  // namespace
}  // namespace podium::cli
