#include "exec/input_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <latch>
#include <thread>

#include "base/failure.hpp"
#include "base/one_time_tag.hpp"
#include "base/sha256.hpp"
#include "exec/world.hpp"

namespace podium {
namespace {

using test::TempFolder;

class Cache : public testing::Test {
 protected:
  static constexpr Bytes kCapacity = 1000;

  InputCache::Fetch gives(const std::string& content) {
    return [this, content](const InputCache::Write& write) {
      ++fetches;
      write(std::string_view(content).substr(0, content.size() / 2));
      write(std::string_view(content).substr(content.size() / 2));
    };
  }
  UniqueFd open(const std::string& content, Bytes capacity = kCapacity) {
    return opened(content, capacity, gives(content));
  }
  static StoredContent tagged(const std::string& content) {
    OneTimeTag tag;
    tag.update(content);
    return {sha256_hex(content), content.size(), tag.text()};
  }
  static StoredContent untagged(const std::string& content) {
    return {sha256_hex(content), content.size()};
  }
  /// Waits for the fetches of others, as runs do.
  UniqueFd opened(const std::string& content, Bytes capacity, const InputCache::Fetch& fetch) {
    const std::string sha256 = sha256_hex(content);
    for (;;) {
      InputCache::Opened found = cache->open({sha256, content.size()}, capacity, fetch, never);
      if (!found.coming) return std::move(found.file);
      std::promise<void> fetched;
      cache->when_fetched(sha256, [&] { fetched.set_value(); });
      fetched.get_future().wait();
    }
  }
  static std::string content_of(const UniqueFd& fd) {
    std::string text(2000, '\0');
    const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  std::filesystem::path file_of(const std::string& content) const {
    return dir / "cache" / sha256_hex(content);
  }
  void restart() { cache = std::make_unique<InputCache>(dir / "cache"); }

  const std::function<bool()> never = [] { return false; };
  TempFolder dir;
  std::atomic<int> fetches{0};
  std::unique_ptr<InputCache> cache = std::make_unique<InputCache>(dir / "cache");
};

TEST_F(Cache, FetchesOnceWhatIsUsedOften) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(content_of(open("the content")), "the content");

  EXPECT_EQ(fetches, 1);
  EXPECT_EQ(cache->counts().hits, 9u);
  EXPECT_EQ(cache->counts().bytes, 11u);
}

TEST_F(Cache, GivesADescriptorForReadingOfAFileThatAnOverlayMayCopyUp) {
  const UniqueFd fd = open("x");
  struct stat file {
  }, folder{};
  ::fstat(fd.get(), &file);
  ::stat((dir / "cache").c_str(), &folder);

  EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(file.st_mode & 07777, 0666u);
  EXPECT_EQ(folder.st_mode & 07777, 0700u);
}

TEST_F(Cache, FetchesOnceForManyAtATime) {
  std::latch began(1), go(1);
  const std::string content = "shared";
  auto slow = [&](const InputCache::Write& write) {
    ++fetches;
    began.count_down();
    go.wait();
    write(content);
  };
  std::vector<std::future<std::string>> readers;
  const auto read = [&] { return content_of(opened(content, kCapacity, slow)); };
  readers.push_back(std::async(std::launch::async, read));
  began.wait();
  for (int i = 0; i < 4; ++i) readers.push_back(std::async(std::launch::async, read));
  go.count_down();

  for (auto& reader : readers) EXPECT_EQ(reader.get(), content);
  EXPECT_EQ(fetches, 1);
}

TEST_F(Cache, GoesOnWithAnotherWhenTheOneWhoFetchesFails) {
  std::latch began(1), go(1);
  auto failing = [&](const InputCache::Write&) {
    began.count_down();
    go.wait();
    throw Failure(Code::kCancelled, "the run was cancelled");
  };
  const std::string content = "shared";
  auto first = std::async(std::launch::async, [&] { return opened(content, kCapacity, failing); });
  began.wait();
  auto second = std::async(std::launch::async, [&] { return content_of(open(content)); });
  go.count_down();

  EXPECT_THROW(first.get(), Failure);
  EXPECT_EQ(second.get(), content);
}

TEST_F(Cache, TellsWhoAsksForWhatAnotherFetchesToComeLater) {
  std::latch began(1), go(1);
  auto slow = [&](const InputCache::Write& write) {
    began.count_down();
    go.wait();
    write("x");
  };
  auto first = std::async(std::launch::async, [&] { return opened("x", kCapacity, slow); });
  began.wait();
  std::atomic<int> told{0};

  const InputCache::Opened second = cache->open({sha256_hex("x"), 1}, kCapacity, gives("x"), never);
  cache->when_fetched(sha256_hex("x"), [&] { ++told; });
  cache->when_fetched(sha256_hex("another"), [&] { told += 10; });

  EXPECT_TRUE(second.coming);
  EXPECT_FALSE(second.file);
  EXPECT_EQ(told, 10) << "nobody fetches the other one";
  go.count_down();
  EXPECT_EQ(content_of(first.get()), "x");
  EXPECT_EQ(told, 11);
  EXPECT_EQ(fetches, 0);
}

TEST_F(Cache, RefusesAnotherContentThanWasStoredAndKeepsNothingOfIt) {
  for (const StoredContent& content : {untagged("the content"), tagged("the content")}) {
    for (const char* wrong : {"thE content", "content the", "the", "", "the content and more"}) {
      try {
        cache->open(content, kCapacity, gives(wrong), never);
        ADD_FAILURE() << "taken for the content: " << wrong;
      } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), Code::kUnavailable);
        EXPECT_THAT(failure.what(), testing::HasSubstr("another content"));
      }
      EXPECT_TRUE(std::filesystem::is_empty(dir / "cache")) << wrong;
    }
  }
  EXPECT_EQ(content_of(open("the content")), "the content");
}

TEST_F(Cache, FetchesByItsTagWhatHasOne) {
  const std::string content(200 << 10, 'c');  // more than is hashed without a thread

  const auto found = cache->open(tagged(content), 1 << 20, gives(content), never);

  EXPECT_EQ(content_of(found.file), content.substr(0, 2000));
  EXPECT_EQ(cache->counts().bytes, content.size());
}

TEST_F(Cache, BelievesTheTagAndNotTheDigestOfWhatHasBoth) {
  StoredContent content = tagged("the content");
  content.tag = tagged("another one").tag;

  EXPECT_THROW(cache->open(content, kCapacity, gives("the content"), never), Failure);
}

TEST_F(Cache, FindsForOneRecordWhatItHasFetchedForAnother) {
  cache->open(tagged("the content"), kCapacity, gives("the content"), never);

  // Each has a tag of its own, and some have none.
  for (const StoredContent& same : {tagged("the content"), untagged("the content")}) {
    EXPECT_EQ(content_of(cache->find(same)), "the content");
  }
  EXPECT_EQ(fetches, 1);
}

TEST_F(Cache, TellsATagThatIsNoneAndTakesTheContentForNothing) {
  StoredContent content = tagged("the content");
  content.tag.pop_back();

  EXPECT_THROW(cache->open(content, kCapacity, gives("the content"), never), Failure);
  EXPECT_TRUE(std::filesystem::is_empty(dir / "cache"));
}

TEST_F(Cache, DropsWhatWasUsedLeastRecentlyAndNothingThatIsOpen) {
  const std::string a(400, 'a'), b(400, 'b'), c(400, 'c');
  const UniqueFd held = open(a);
  open(b);
  open(a);

  open(c);

  EXPECT_TRUE(std::filesystem::exists(file_of(a)));
  EXPECT_FALSE(std::filesystem::exists(file_of(b)));
  open(b);
  EXPECT_FALSE(std::filesystem::exists(file_of(a)));
  EXPECT_EQ(content_of(held), a);
  EXPECT_LE(cache->counts().bytes, kCapacity);
}

TEST_F(Cache, HasNoPlaceForWhatIsLargerThanItselfOrHasNoDigest) {
  EXPECT_FALSE(open(std::string(1001, 'x')));
  EXPECT_FALSE(open("x", 0));
  EXPECT_FALSE(cache->open({"", 1}, kCapacity, gives("x"), never).file);
  EXPECT_FALSE(cache->open({"../../etc/passwd", 1}, kCapacity, gives("x"), never).file);
  EXPECT_EQ(fetches, 0);
}

TEST_F(Cache, HasAfterARestartWhatItHad) {
  open("the content");
  restart();

  EXPECT_EQ(content_of(open("the content")), "the content");
  EXPECT_EQ(fetches, 1);
}

TEST_F(Cache, VerifiesAfterARestartWhatItFinds) {
  for (const StoredContent& content : {untagged("the content"), tagged("the content")}) {
    cache->open(content, kCapacity, gives("the content"), never);
    { std::ofstream(file_of("the content")) << "thE content"; }
    restart();
    const int before = fetches;

    const auto found = cache->open(content, kCapacity, gives("the content"), never);

    EXPECT_EQ(content_of(found.file), "the content");
    EXPECT_EQ(fetches, before + 1);
    restart();
    EXPECT_EQ(content_of(cache->find(content)), "the content") << "it is sound now";
  }
}

TEST_F(Cache, RemovesWhatAnEarlierProcessLeftHalfDone) {
  open("the content");
  { std::ofstream(dir / "cache" / "part.abc") << "half"; }
  restart();

  open("another");

  EXPECT_FALSE(std::filesystem::exists(dir / "cache" / "part.abc"));
  EXPECT_TRUE(std::filesystem::exists(file_of("the content")));
}

TEST_F(Cache, FindsOnlyWhatIsThere) {
  open("the content");

  EXPECT_EQ(content_of(cache->find({sha256_hex("the content"), 11})), "the content");
  EXPECT_FALSE(cache->find({sha256_hex("another"), 7}));
  EXPECT_EQ(fetches, 1);
}

}  // namespace
}  // namespace podium
