#include "base/user_namespaces.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <fstream>

namespace podium {
namespace {

namespace fs = std::filesystem;

class UserNamespaces : public testing::Test {
 protected:
  UserNamespaces() {
    char pattern[] = "/tmp/podium-sysctl-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    fs::create_directories(folder_ / "kernel");
    fs::create_directories(folder_ / "user");
  }
  ~UserNamespaces() override { fs::remove_all(folder_); }
  void set(const std::string& path, int value) { std::ofstream(folder_ / path) << value << "\n"; }

  fs::path folder_;
};

TEST_F(UserNamespaces, NamesTheSwitchThatForbidsThemAndHowToAllowThem) {
  set("kernel/unprivileged_userns_clone", 0);
  set("user/max_user_namespaces", 1000);

  const auto problem = explain_user_namespaces(EPERM, folder_);

  EXPECT_EQ(problem.found,
            "user namespaces are refused (Operation not permitted) by "
            "kernel.unprivileged_userns_clone = 0");
  EXPECT_NE(problem.remedy.find("sysctl -w kernel.unprivileged_userns_clone=1"), std::string::npos);
}

TEST_F(UserNamespaces, KnowsTheCountAndAppArmorToo) {
  set("kernel/unprivileged_userns_clone", 1);
  set("user/max_user_namespaces", 0);
  EXPECT_NE(explain_user_namespaces(ENOSPC, folder_).remedy.find("user.max_user_namespaces=10000"),
            std::string::npos);

  set("user/max_user_namespaces", 1000);
  set("kernel/apparmor_restrict_unprivileged_userns", 1);
  EXPECT_NE(explain_user_namespaces(EPERM, folder_).found.find("apparmor_restrict"),
            std::string::npos);
}

TEST_F(UserNamespaces, SaysWhatItCanWhenNoSwitchIsToBlame) {
  EXPECT_NE(explain_user_namespaces(EPERM, folder_).remedy.find("container"), std::string::npos);
  EXPECT_NE(explain_user_namespaces(EINVAL, folder_).found.find("kernel lacks"), std::string::npos);
}

}  // namespace
}  // namespace podium
