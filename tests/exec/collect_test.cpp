#include "exec/collect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <atomic>
#include <thread>

#include "base/file_name.hpp"
#include "base/ids.hpp"
#include "base/sha256.hpp"
#include "exec/beneath.hpp"
#include "exec/walk.hpp"
#include "exec/world.hpp"

namespace podium {
namespace {

using test::FakeStorage;
using test::TempFolder;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Collecting : public testing::Test {
 protected:
  Collecting() {
    std::filesystem::create_directories(changes);
    std::filesystem::create_directories(merged);
    request.session = new_id();
    request.max_file = 1 << 20;
  }

  void add_input(const std::string& name, const std::string& content, bool read_only = false) {
    InputFile input;
    input.file.id = new_id();
    input.file.session = new_id();
    input.file.name = name;
    input.file.size = content.size();
    input.file.sha256 = sha256_hex(content);
    input.file.read_only = read_only;
    input.name = name;
    inputs.push_back(input);
    write_file(merged / name, content);
  }

  Collection collected() {
    UniqueFd from(::open(changes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    UniqueFd whole(::open(merged.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    request.changes = from.get();
    request.merged = whole.get();
    return collect(request, survey(request), inputs, storage, *in_use,
                   [this] { return cancelled.load(); });
  }

  static std::vector<std::string> names(const Collection& collection) {
    std::vector<std::string> all;
    for (const FileRecord& file : collection.files) all.push_back(file.name);
    return all;
  }

  TempFolder dir;
  const std::filesystem::path changes = dir / "changes", merged = dir / "merged";
  FakeStorage storage{dir / "blobs"};
  std::shared_ptr<InUse> in_use = std::make_shared<InUse>();
  std::vector<InputFile> inputs;
  CollectRequest request;
  std::atomic<bool> cancelled{false};
};

TEST_F(Collecting, StoresNewFilesUnderTheirPathsWithTheirHashes) {
  write_file(changes / "b.txt", "bee");
  write_file(changes / "sub/a.txt", "");

  const Collection collection = collected();

  ASSERT_THAT(names(collection), ElementsAre("b.txt", "sub/a.txt"));
  EXPECT_EQ(collection.files[0].size, 3u);
  EXPECT_EQ(collection.files[0].sha256, sha256_hex("bee"));
  EXPECT_EQ(collection.files[0].session, request.session);
  EXPECT_EQ(collection.files[0].origin, "output");
  EXPECT_EQ(collection.files[0].modified_from, "");
  EXPECT_EQ(storage.content(collection.files[0].blob), "bee");
  EXPECT_EQ(storage.content(collection.files[1].blob), "");
  EXPECT_EQ(collection.files[0].tag, "") << "nothing is fetched from this storage";
  EXPECT_THAT(collection.left_out, IsEmpty());
}

TEST_F(Collecting, GivesATagToWhatGoesToARemoteStorage) {
  storage.local = false;
  write_file(changes / "a.txt", "ay");
  UniqueFd hole(::open((changes / "hole").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(hole.get(), 300'000), 0);

  const Collection collection = collected();

  ASSERT_THAT(names(collection), ElementsAre("a.txt", "hole"));
  EXPECT_TRUE(test::is_tagged(collection.files[0], "ay"));
  EXPECT_TRUE(test::is_tagged(collection.files[1], std::string(300'000, '\0')));
}

TEST_F(Collecting, HoldsItsBlobsAgainstTheSweepUntilItIsDropped) {
  write_file(changes / "a", "1");
  std::string blob;
  {
    const Collection collection = collected();
    blob = collection.files.at(0).blob;
    EXPECT_TRUE(in_use->holds(blob));
  }
  EXPECT_FALSE(in_use->holds(blob));
}

TEST_F(Collecting, TellsWhichInputAChangedFileWas) {
  add_input("data.csv", "old");
  write_file(changes / "data.csv", "new content");

  const Collection collection = collected();

  ASSERT_THAT(names(collection), ElementsAre("data.csv"));
  EXPECT_EQ(collection.files[0].modified_from, inputs[0].file.id);
  EXPECT_EQ(collection.files[0].modified_from_session, inputs[0].file.session);
  EXPECT_EQ(collection.changed.count("data.csv"), 1u);
}

TEST_F(Collecting, TakesAnInputRewrittenWithTheSameContentForUnchanged) {
  add_input("data.csv", "same");
  write_file(changes / "data.csv", "same");

  const Collection collection = collected();

  EXPECT_THAT(collection.files, IsEmpty());
  EXPECT_THAT(collection.changed, IsEmpty());
  EXPECT_EQ(storage.puts, 0u);
}

TEST_F(Collecting, TellsAnInputOfTheSameSizeButOtherContentAsChanged) {
  add_input("data.csv", "same");
  write_file(changes / "data.csv", "SAME");

  EXPECT_THAT(names(collected()), ElementsAre("data.csv"));
}

TEST_F(Collecting, NeverEmitsReadOnlyInputs) {
  add_input("skill.py", "old", true);
  write_file(changes / "skill.py", "changed");
  std::filesystem::remove(merged / "skill.py");

  const Collection collection = collected();

  EXPECT_THAT(collection.files, IsEmpty());
  EXPECT_THAT(collection.deleted, IsEmpty());
  EXPECT_THAT(collection.left_out, IsEmpty());
}

TEST_F(Collecting, NamesTheInputsThatAreGone) {
  add_input("gone.txt", "1");
  add_input("kept.txt", "2");
  add_input("folder/gone too.txt", "3");
  add_input("moved/away.txt", "4");
  std::filesystem::remove(merged / "gone.txt");
  std::filesystem::remove_all(merged / "folder");
  std::filesystem::rename(merged / "moved", merged / "elsewhere");
  std::filesystem::create_symlink("elsewhere", merged / "moved");

  EXPECT_THAT(collected().deleted,
              ElementsAre("folder/gone too.txt", "gone.txt", "moved/away.txt"));
}

TEST_F(Collecting, PassesOverWhiteoutsOfTheOverlay) {
  ASSERT_EQ(::mknod((changes / "deleted").c_str(), S_IFCHR | 0600, makedev(0, 0)), 0)
      << "this test makes a device node and needs root";

  const Collection collection = collected();

  EXPECT_THAT(collection.files, IsEmpty());
  EXPECT_THAT(collection.left_out, IsEmpty());
}

TEST_F(Collecting, NeverFollowsSymbolicLinks) {
  write_file(dir / "secret/key", "the key");
  std::filesystem::create_symlink(dir / "secret/key", changes / "file");
  std::filesystem::create_symlink(dir / "secret", changes / "folder");
  std::filesystem::create_symlink("/proc/self/environ", changes / "environ");

  const Collection collection = collected();

  EXPECT_THAT(collection.files, IsEmpty());
  ASSERT_EQ(collection.left_out.size(), 3u);
  for (const std::string& sentence : collection.left_out) {
    EXPECT_THAT(sentence, HasSubstr("was left out: it is a symbolic link"));
  }
}

TEST_F(Collecting, SkipsPipesSocketsAndDevicesWithoutHanging) {
  ASSERT_EQ(::mkfifo((changes / "pipe").c_str(), 0666), 0);
  ASSERT_EQ(::mknod((changes / "zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0)
      << "this test makes a device node and needs root";
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (changes / "socket").string();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  write_file(changes / "file", "1");

  const Collection collection = collected();

  EXPECT_THAT(names(collection), ElementsAre("file"));
  EXPECT_THAT(collection.left_out,
              testing::UnorderedElementsAre(HasSubstr("pipe was left out: it is a named pipe"),
                                            HasSubstr("socket was left out: it is a socket"),
                                            HasSubstr("zero was left out: it is a device")));
}

TEST_F(Collecting, KeepsTenLevelsAndNamesWhatLiesDeeper) {
  write_file(changes / "1/2/3/4/5/6/7/8/9/file", "ten");
  write_file(changes / "1/2/3/4/5/6/7/8/9/10/file", "eleven");

  const Collection collection = collected();

  EXPECT_THAT(names(collection), ElementsAre("1/2/3/4/5/6/7/8/9/file"));
  EXPECT_THAT(collection.left_out,
              ElementsAre("1/2/3/4/5/6/7/8/9/10 was left out: names may have at most 10 levels."));
}

TEST_F(Collecting, NamesAFileThatIsTooLargeWithoutReadingIt) {
  request.max_file = 1000;
  write_file(changes / "exact", std::string(1000, 'x'));
  write_file(changes / "one more", std::string(1001, 'x'));
  write_file(changes / "sparse", "");
  std::filesystem::resize_file(changes / "sparse", Bytes{100} << 30);

  const Collection collection = collected();

  EXPECT_THAT(names(collection), ElementsAre("exact"));
  EXPECT_THAT(collection.left_out,
              ElementsAre("one more was left out: it has 1001 bytes, and a file may have at most "
                          "1kB.",
                          HasSubstr("sparse was left out: it has 107374182400 bytes")));
}

TEST_F(Collecting, NamesTheFileThatGoesOverTheTotal) {
  request.bounds.max_total = 10;
  write_file(changes / "a", "123456");
  write_file(changes / "b", "123456");
  write_file(changes / "c", "1234");

  const Collection collection = collected();

  EXPECT_THAT(names(collection), ElementsAre("a", "c"));
  EXPECT_THAT(collection.left_out, ElementsAre(HasSubstr("b was left out")));
}

TEST_F(Collecting, CountsTheFilesBeyondTheNumber) {
  request.bounds.max_files = 3;
  for (int i = 0; i < 8; ++i) write_file(changes / ("f" + std::to_string(i)), "");

  const Collection collection = collected();

  EXPECT_THAT(names(collection), ElementsAre("f0", "f1", "f2"));
  EXPECT_THAT(collection.left_out,
              ElementsAre("5 files were left out: a run may leave at most 3 files."));
}

TEST_F(Collecting, BoundsItsSentences) {
  for (int i = 0; i < 100; ++i) {
    std::filesystem::create_symlink("x", changes / ("l" + std::to_string(i)));
  }

  const Collection collection = collected();

  EXPECT_EQ(collection.left_out.size(), 21u);
  EXPECT_EQ(collection.left_out.back(), "80 more were left out.");
}

TEST_F(Collecting, TellsAnInputThatIsNoFileAnyMoreAsDeleted) {
  for (const char* name : {"folder", "link", "pipe", "kept"}) add_input(name, "1");
  for (const char* name : {"folder", "link", "pipe"}) std::filesystem::remove(merged / name);
  write_file(merged / "folder/in", "2");
  write_file(changes / "folder/in", "2");
  std::filesystem::create_symlink("kept", merged / "link");
  ASSERT_EQ(::mkfifo((merged / "pipe").c_str(), 0600), 0);

  const Collection collection = collected();

  EXPECT_THAT(collection.deleted, ElementsAre("folder", "link", "pipe"));
  EXPECT_THAT(names(collection), ElementsAre("folder/in"));
}

TEST_F(Collecting, RenamesWhatCannotBeListedAndLosesNothing) {
  write_file(changes / "bad\xFF.txt", "1");
  write_file(changes / "line\nbreak", "2");
  write_file(changes / "back\\slash", "3");
  write_file(changes / "e\xCC\x81", "4");
  write_file(changes / "\xC3\xA9", "5");

  const Collection collection = collected();

  std::set<std::string> contents, all;
  for (const FileRecord& file : collection.files) {
    contents.insert(storage.content(file.blob));
    all.insert(file.name);
    EXPECT_EQ(file.name, canonical_file_name(file.name));
  }
  EXPECT_THAT(contents, ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(all.size(), 5u);
  EXPECT_EQ(all.count("bad%FF.txt"), 1u);
  EXPECT_EQ(all.count("line%0Abreak"), 1u);
}

TEST_F(Collecting, SaysWhatCouldNotBeStoredAndAsksABrokenStorageOnlyOnce) {
  storage.broken = true;
  for (int i = 0; i < 3; ++i) write_file(changes / std::to_string(i), "x");

  const Collection collection = collected();

  EXPECT_THAT(collection.files, IsEmpty());
  EXPECT_EQ(storage.calls, 1u);
  EXPECT_THAT(collection.failures, ElementsAre(HasSubstr("the disk of the fake is gone")));
  EXPECT_THAT(collection.left_out, ElementsAre(HasSubstr("3 files could not be stored")));
}

TEST_F(Collecting, StoresAFileWithHolesAsTheProgramSawIt) {
  const std::string data(5000, 'd');
  std::string expected(600'000, '\0');
  for (const std::size_t at : {std::size_t{0}, std::size_t{100'000}, std::size_t{590'000}}) {
    expected.replace(at, data.size(), data);
  }
  UniqueFd file(::open((changes / "sparse").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (const off_t at : {0, 100'000, 590'000}) {
    ASSERT_EQ(::pwrite(file.get(), data.data(), data.size(), at), 5000);
  }
  ASSERT_EQ(::ftruncate(file.get(), 600'000), 0);
  UniqueFd empty(::open((changes / "hole").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(empty.get(), 300'000), 0);

  const Collection collection = collected();

  ASSERT_THAT(names(collection), ElementsAre("hole", "sparse"));
  EXPECT_EQ(collection.files[0].sha256, sha256_hex(std::string(300'000, '\0')));
  EXPECT_EQ(collection.files[1].sha256, sha256_hex(expected));
  EXPECT_TRUE(storage.content(collection.files[1].blob) == expected);
}

TEST_F(Collecting, IsSurveyedByTheBytesThatMayBeKept) {
  request.max_file = 100;
  write_file(changes / "a", std::string(60, 'x'));
  write_file(changes / "folder/b", std::string(40, 'x'));
  write_file(changes / "too large", std::string(101, 'x'));
  UniqueFd from(::open(changes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  request.changes = from.get();

  const Survey found = survey(request);

  EXPECT_EQ(found.bytes, 100u);
  EXPECT_EQ(found.files.size(), 3u);
}

TEST_F(Collecting, LeavesNothingBehindWhenItIsCancelled) {
  write_file(changes / "a", "1");
  write_file(changes / "b", "2");
  storage.put_gate.close();
  std::thread canceller([&] {
    while (storage.put_gate.held() == 0) std::this_thread::yield();
    cancelled = true;
    storage.put_gate.open();
  });

  EXPECT_THROW(collected(), Failure);

  canceller.join();
  EXPECT_THAT(storage.keys(), IsEmpty());
}

TEST_F(Collecting, LooksAtNothingWhenNothingChanged) {
  add_input("a", "1");
  CollectRequest nothing;

  const Collection collection =
      collect(nothing, survey(nothing), inputs, storage, *in_use, [] { return false; });

  EXPECT_THAT(collection.files, IsEmpty());
  EXPECT_EQ(storage.calls, 0u);
}

// F4: whoever swaps a file for a link while it is collected gains nothing.
TEST_F(Collecting, NeverReadsThroughALinkThatIsSwappedIn) {
  write_file(dir / "secret", "the secret");
  write_file(changes / "a", "mine");
  std::filesystem::create_symlink(dir / "secret", dir / "link");
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    while (!stop) {
      ::renameat2(AT_FDCWD, (dir / "link").c_str(), AT_FDCWD, (changes / "a").c_str(),
                  RENAME_EXCHANGE);
    }
  });

  UniqueFd root(::open(changes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  unsigned opened = 0;
  for (int i = 0; i < 100'000; ++i) {
    const UniqueFd fd = open_beneath(root.get(), "a", O_RDONLY);
    if (!fd) continue;
    char text[16] = {};
    ASSERT_GT(::pread(fd.get(), text, sizeof text - 1, 0), 0);
    ASSERT_STREQ(text, "mine");
    ++opened;
  }

  stop = true;
  swapper.join();
  EXPECT_GT(opened, 0u);
}

TEST(OpenBeneath, RefusesWaysOut) {
  TempFolder dir;
  write_file(dir / "in/file", "1");
  write_file(dir / "out", "2");
  UniqueFd root(::open((dir / "in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  EXPECT_TRUE(open_beneath(root.get(), "file", O_RDONLY));
  EXPECT_FALSE(open_beneath(root.get(), "../out", O_RDONLY));
  EXPECT_FALSE(open_beneath(root.get(), (dir / "out").c_str(), O_RDONLY));
}

}  // namespace
}  // namespace podium
