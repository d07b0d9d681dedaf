/// A database that only this process opens (decision 40), and the copy that it makes for others.

#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/SessionImpl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "session/database.hpp"
#include "store_fixture.hpp"

namespace podium {
namespace {

namespace fs = std::filesystem;
using Exclusive = SessionStoreTest;
using Backups = SessionStoreTest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Another program, which opens the database without our way to do so. Forked before we open it:
/// SQLite's knowledge of files must not come along.
class OtherProgram {
 public:
  explicit OtherProgram(const fs::path& file) {
    if (pipe(go_) != 0 || pipe(heard_) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) open_it(file);
    close(go_[0]);
    close(heard_[1]);
  }
  ~OtherProgram() {
    close(go_[1]);
    close(heard_[0]);
    waitpid(child_, nullptr, 0);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  /// Has it open the database now; what it hears.
  std::string hears() {
    EXPECT_EQ(write(go_[1], "!", 1), 1);
    std::string heard(1000, '\0');
    const ssize_t size = read(heard_[0], heard.data(), heard.size());
    return heard.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  [[noreturn]] void open_it(const fs::path& file) const {
    close(go_[1]);
    char go = 0;
    if (read(go_[0], &go, 1) != 1) _exit(1);
    std::string heard = "opened it";
    try {
      Poco::Data::Session session(new Poco::Data::SQLite::SessionImpl(file.native(), 0));
      session << "SELECT count(*) FROM sessions", Poco::Data::Keywords::now;
    } catch (const Poco::Exception& error) {
      heard = error.displayText();
    }
    _exit(write(heard_[1], heard.data(), heard.size()) > 0 ? 0 : 1);
  }

  int go_[2], heard_[2];
  pid_t child_ = -1;
};

TEST_F(Exclusive, MapsNothingOfTheDatabaseSoThatAFailingFileSystemCannotEndTheProcess) {
  store().commit(session_of("s1"), {file_of("f1", "s1", "a")});
  ASSERT_TRUE(store().find_file("f1"));

  EXPECT_THAT(text_of("/proc/self/maps"), Not(HasSubstr(file().native())));
  EXPECT_FALSE(fs::exists(file().native() + "-shm"));
}

TEST(ExclusiveDatabase, TellsAnotherProgramThatItIsLockedAndGoesOn) {
  const test::TempFolder folder;
  const fs::path file = folder.path() / "podium.db";
  OtherProgram other(file);
  SessionStore store(file);
  store.commit(session_of("s1"), {});

  EXPECT_THAT(other.hears(), HasSubstr("locked"));

  store.commit(session_of("s2"), {});
  EXPECT_TRUE(store.find_session("s2"));
}

TEST_F(Exclusive, OpensTheFileWhoseNameHasCharactersThatMeanSomethingInAUri) {
  const fs::path odd = file().parent_path() / "a?b#c%41 d&e=f.db";

  SessionStore other(odd);
  other.commit(session_of("s1"), {});

  EXPECT_TRUE(fs::exists(odd));
  EXPECT_TRUE(other.find_session("s1"));
}

TEST_F(Backups, HoldEverythingCommittedAndAreForTheOwnerOnly) {
  FileRecord kept = file_of("f1", "s1", "a");
  kept.tag = std::string(96, '7');
  store().commit(session_of("s1"), {kept});

  const Backup made = store().back_up();

  EXPECT_EQ(made.file, file().parent_path() / "backup" / "podium.db");
  EXPECT_EQ(made.size, fs::file_size(made.file));
  EXPECT_EQ(fs::status(made.file).permissions(), fs::perms(0600));
  SessionStore restored(made.file);
  EXPECT_THAT(ids(restored.files("s1")), ElementsAre("f1"));
  EXPECT_EQ(restored.find_file("f1")->tag, kept.tag) << "what is fetched is compared with it";
}

TEST_F(Backups, TakeThePlaceOfTheOneBeforeAndOfWhatACrashHasLeft) {
  const fs::path folder = file().parent_path() / "backup";
  store().back_up();
  std::ofstream(folder / "podium.db.part") << "half of one";
  store().commit(session_of("s1"), {});

  const Backup made = store().back_up();

  EXPECT_TRUE(SessionStore(made.file).find_session("s1"));
  EXPECT_FALSE(fs::exists(folder / "podium.db.part"));
}

TEST_F(Backups, AreWholeWhileOthersWrite) {
  std::atomic<bool> enough{false};
  std::atomic<int> last{-1};
  std::thread writer([&] {
    while (!enough) {
      const std::string id = std::to_string(last + 1);
      store().commit(session_of("s" + id),
                     {file_of(id + "a", "s" + id, "a"), file_of(id + "b", "s" + id, "b")});
      ++last;
    }
  });

  for (int round = 0; round < 5; ++round) {
    const int before = last;
    const Backup made = store().back_up();
    SessionStore copy(made.file);
    for (int i = 0; i <= before; ++i) {
      ASSERT_EQ(copy.files("s" + std::to_string(i)).size(), 2u) << i;
    }
  }
  enough = true;
  writer.join();
}

TEST_F(Backups, ThatCannotBeWrittenLeaveTheOneBefore) {
  const fs::path folder = file().parent_path() / "backup";
  const Backup before = store().back_up();
  const std::string content = text_of(before.file);
  fs::create_directory(folder / "podium.db.part");  // in the way
  store().commit(session_of("s1"), {});

  const Failure failure = failure_of([&] { store().back_up(); });

  EXPECT_EQ(failure.code(), Code::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr("podium.db.part"));
  EXPECT_EQ(text_of(before.file), content);
}

}  // namespace
}  // namespace podium
