#include "tidy_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/temp_folder.hpp"

namespace podium::sandbox {
namespace {

namespace fs = std::filesystem;

class TidyTree : public testing::Test {
 protected:
  ~TidyTree() override { ::close(fd_); }

  void write(const std::string& name) { folder_.write(name, "1"); }

  test::TempFolder folder_;
  int fd_ = ::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
};

TEST_F(TidyTree, SaysOfEachMomentWhetherTheFolderIsEmpty) {
  EXPECT_TRUE(is_empty(fd_));
  EXPECT_TRUE(is_empty(fd_));
  write(".hidden");
  EXPECT_FALSE(is_empty(fd_));
  fs::remove(folder_.path() / ".hidden");
  EXPECT_TRUE(is_empty(fd_));
  fs::create_directory(folder_.path() / "...");
  EXPECT_FALSE(is_empty(fd_));
}

TEST_F(TidyTree, TakesAFolderThatItCannotReadForOneThatHoldsSomething) {
  EXPECT_FALSE(is_empty(-1));
  const int path_only = ::open(folder_.path().c_str(), O_PATH | O_CLOEXEC);
  EXPECT_FALSE(is_empty(path_only));
  ::close(path_only);
}

TEST_F(TidyTree, SeesAllOfALargeFolderAfterItWasAskedWhetherItIsEmpty) {
  for (int i = 0; i < 200; ++i) write("a file with a name of some length " + std::to_string(i));
  fs::permissions(folder_.path() / "a file with a name of some length 199", fs::perms::none);
  EXPECT_FALSE(is_empty(fd_));
  const TreeFacts facts = make_readable(fd_);
  EXPECT_TRUE(facts.any);
  EXPECT_EQ(facts.largest, 1u);
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0444, 0444u) << entry.path();
  }
}

}  // namespace
}  // namespace podium::sandbox
