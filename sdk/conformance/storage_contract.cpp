#include <podium/testing/storage_contract.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

namespace podium::sdk::testing {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StorageContract);

namespace {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Keys that some medium could take for something else.
std::vector<std::string> hostile_keys() {
  std::vector<std::string> keys = {"..",
                                   "../../../../etc/passwd",
                                   "/etc/passwd",
                                   "a/b/c",
                                   "a//b",
                                   "a/",
                                   "a",
                                   "A",
                                   "./a",
                                   "-rf",
                                   "%2e%2e%2f",
                                   "%2F",
                                   "%",
                                   "a%",
                                   "a%4",
                                   "a%41",
                                   "k",
                                   "z",
                                   "ka",
                                   "con",
                                   "name.",
                                   "name ",
                                   " name",
                                   "a\nb",
                                   "a\r\nX: y",
                                   "a\tb",
                                   "\x1b[31m",
                                   "\xff\xfe",
                                   "\xc3\xa9",
                                   "e\xcc\x81",
                                   "a?b=c&d",
                                   "a#b",
                                   "a+b",
                                   "a b",
                                   "a*b",
                                   "~",
                                   "$HOME",
                                   "`id`",
                                   "'",
                                   "\"",
                                   "\\",
                                   "<>",
                                   "a;b",
                                   "\xe2\x80\xae"
                                   "gpj"};
  for (int byte = 0; byte < 256; ++byte) keys.emplace_back(1, static_cast<char>(byte));
  for (const char byte : {'a', '/', '.', '\0', '\xff', '%', '\n'}) {
    keys.emplace_back(199, byte);
    keys.emplace_back(200, byte);
  }
  for (std::size_t size = 80; size <= 200; size += 7) keys.push_back(noise(size, size));
  keys.push_back(std::string("a\0b", 3));
  keys.push_back(std::string("a\0", 2));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

std::string case_name(const ::testing::TestParamInfo<StorageCase>& info) { return info.param.name; }

TEST_P(StorageContract, GivesBackWhatWasPutFromNothingTo64MiB) {
  for (const std::size_t size : {0ul, 1ul, 4095ul, 4096ul, 262'143ul, 262'144ul, 262'145ul,
                                 524'289ul, 8'388'609ul, 67'108'864ul}) {
    const std::string expected = noise(size, size);

    const Outcome put = storage().put("blob", expected);

    ASSERT_TRUE(put.ok()) << size << ": " << put.message;
    ASSERT_TRUE(content("blob") == expected) << size;
  }
}

TEST_P(StorageContract, TakesContentInPiecesOfAnySizeAndUnknownLength) {
  const std::string expected = noise(100'003, 1);

  ASSERT_TRUE(storage().put("one", source_of(expected, 1)).ok());
  ASSERT_TRUE(storage().put("odd", source_of(expected, 4097)).ok());

  EXPECT_TRUE(content("one") == expected);
  EXPECT_TRUE(content("odd") == expected);
}

TEST_P(StorageContract, ReplacesABlobAsAWhole) {
  ASSERT_TRUE(storage().put("blob", noise(10'000, 1)).ok());

  ASSERT_TRUE(storage().put("blob", "short").ok());

  EXPECT_EQ(content("blob"), "short");
  EXPECT_EQ(storage().keys(), std::vector<std::string>{"blob"});
}

TEST_P(StorageContract, TakesTheSameContentUnderTheSameKeyTwice) {
  ASSERT_TRUE(storage().put("blob", "same").ok());

  ASSERT_TRUE(storage().put("blob", "same").ok());

  EXPECT_EQ(content("blob"), "same");
  ASSERT_TRUE(storage().remove("blob").ok());
  EXPECT_TRUE(storage().keys().empty());
}

TEST_P(StorageContract, GivesRanges) {
  const std::string whole = noise(1'000'000, 1);
  ASSERT_TRUE(storage().put("blob", whole).ok());
  std::string part;

  ASSERT_TRUE(storage().get("blob", part, 10, 20).ok());
  EXPECT_EQ(part, whole.substr(10, 20));
  ASSERT_TRUE(storage().get("blob", part, 262'100, 600'000).ok());
  EXPECT_TRUE(part == whole.substr(262'100, 600'000));
  ASSERT_TRUE(storage().get("blob", part, 999'999, 1).ok());
  EXPECT_EQ(part, whole.substr(999'999));
  ASSERT_TRUE(storage().get("blob", part, 999'000, UINT64_MAX).ok());
  EXPECT_EQ(part, whole.substr(999'000));
  ASSERT_TRUE(storage().get("blob", part, 5, 0).ok());
  EXPECT_EQ(part, "");
  ASSERT_TRUE(storage().get("blob", part, 1'000'000, 0).ok());
  EXPECT_EQ(part, "");
}

TEST_P(StorageContract, RefusesARangeThatReachesBeyondTheEnd) {
  ASSERT_TRUE(storage().put("blob", "12345").ok());
  std::string part;

  EXPECT_EQ(storage().get("blob", part, 3, 3).code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(storage().get("blob", part, 6, 0).code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(storage().get("blob", part, 6, UINT64_MAX).code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(storage().get("blob", part, UINT64_MAX, 2).code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(part, "");
}

TEST_P(StorageContract, TellsLengthAndTimeOfABlob) {
  const std::int64_t before = now_ms();
  ASSERT_TRUE(storage().put("blob", "12345").ok());
  Listed blob;

  ASSERT_TRUE(storage().head("blob", blob).ok());

  EXPECT_EQ(blob.length, 5u);
  EXPECT_GE(blob.modified_ms, before - 1000);
  EXPECT_LE(blob.modified_ms, now_ms() + 1000);
}

TEST_P(StorageContract, SaysThatAnUnknownKeyIsNotFound) {
  Listed blob;
  std::string out;

  const Outcome head = storage().head("nothing", blob);
  const Outcome get = storage().get("nothing", out);

  EXPECT_EQ(head.code, PODIUM_NOT_FOUND);
  EXPECT_EQ(get.code, PODIUM_NOT_FOUND);
  EXPECT_NE(get.message, "");
}

TEST_P(StorageContract, ListsEveryKeyWithThePrefixOnce) {
  for (const char* key : {"a/1", "a/2", "ab", "b/1", "a"}) {
    ASSERT_TRUE(storage().put(key, std::string("content of ") + key).ok());
  }

  EXPECT_EQ(storage().keys("a/"), (std::vector<std::string>{"a/1", "a/2"}));
  EXPECT_EQ(storage().keys("a"), (std::vector<std::string>{"a", "a/1", "a/2", "ab"}));
  EXPECT_EQ(storage().keys(""), (std::vector<std::string>{"a", "a/1", "a/2", "ab", "b/1"}));
  EXPECT_TRUE(storage().keys("c").empty());
}

TEST_P(StorageContract, ListsLengths) {
  ASSERT_TRUE(storage().put("five", "12345").ok());
  std::uint64_t length = 0;

  ASSERT_TRUE(storage()
                  .list("five",
                        [&](const Listed& blob) {
                          length = blob.length;
                          return true;
                        })
                  .ok());

  EXPECT_EQ(length, 5u);
}

TEST_P(StorageContract, StopsListingWhenToldTo) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(storage().put("key" + std::to_string(i), "x").ok());
  int seen = 0;

  const Outcome outcome = storage().list("", [&](const Listed&) { return ++seen < 3; });

  EXPECT_TRUE(outcome.ok()) << outcome.message;
  EXPECT_EQ(seen, 3);
}

TEST_P(StorageContract, RemovesAndTakesRemovingNothingForSuccess) {
  ASSERT_TRUE(storage().put("blob", "content").ok());

  EXPECT_TRUE(storage().remove("blob").ok());
  EXPECT_TRUE(storage().remove("blob").ok());

  std::string out;
  EXPECT_EQ(storage().get("blob", out).code, PODIUM_NOT_FOUND);
  EXPECT_TRUE(storage().keys().empty());
}

TEST_P(StorageContract, KeepsOneKeyWhenAnotherWithTheSameContentGoes) {
  ASSERT_TRUE(storage().put("first", "the same").ok());
  ASSERT_TRUE(storage().put("second", "the same").ok());

  ASSERT_TRUE(storage().remove("first").ok());
  EXPECT_EQ(content("second"), "the same");
  ASSERT_TRUE(storage().put("second", "another").ok());
  EXPECT_EQ(content("second"), "another");
}

TEST_P(StorageContract, TellsKeysApartWhateverBytesTheyHave) {
  const std::vector<std::string> keys = hostile_keys();
  for (const std::string& key : keys) {
    const Outcome put = storage().put(key, "content of " + key);
    ASSERT_TRUE(put.ok()) << ::testing::PrintToString(key) << ": " << put.message;
  }

  for (const std::string& key : keys) EXPECT_EQ(content(key), "content of " + key);
  EXPECT_EQ(storage().keys(), keys);
  for (const std::string& key : keys) ASSERT_TRUE(storage().remove(key).ok());
  EXPECT_TRUE(storage().keys().empty());
}

TEST_P(StorageContract, RefusesKeysThatAreEmptyOrLongerThan200Bytes) {
  for (const std::string& key : {std::string(), std::string(201, 'a')}) {
    Listed blob;
    std::string out;
    EXPECT_EQ(storage().put(key, "x").code, PODIUM_INVALID_ARGUMENT);
    EXPECT_EQ(storage().get(key, out).code, PODIUM_INVALID_ARGUMENT);
    EXPECT_EQ(storage().head(key, blob).code, PODIUM_INVALID_ARGUMENT);
    EXPECT_EQ(storage().remove(key).code, PODIUM_INVALID_ARGUMENT);
  }
}

TEST_P(StorageContract, KeepsNothingOfASourceThatFails) {
  const std::string beginning = noise(3'000'000, 1);
  ASSERT_TRUE(storage().put("old", "as it was").ok());
  const auto failing = [&] {
    return [inner = source_of(beginning)](char* buffer, std::size_t capacity) mutable {
      const std::int64_t count = inner(buffer, capacity);
      return count == 0 ? -1 : count;
    };
  };

  EXPECT_EQ(storage().put("new", failing()).code, PODIUM_CANCELLED);
  EXPECT_EQ(storage().put("old", failing()).code, PODIUM_CANCELLED);

  EXPECT_EQ(storage().keys(), std::vector<std::string>{"old"});
  EXPECT_EQ(content("old"), "as it was");
}

TEST_P(StorageContract, KeepsNothingOfASourceThatGivesAnotherLengthThanItPromised) {
  EXPECT_EQ(storage().put("blob", source_of("12345"), 6).code, PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(storage().put("blob", source_of("12345"), 4).code, PODIUM_INVALID_ARGUMENT);

  EXPECT_TRUE(storage().keys().empty());
}

TEST_P(StorageContract, StopsWhenTheReaderLeaves) {
  ASSERT_TRUE(storage().put("blob", noise(5'000'000, 1)).ok());
  std::size_t taken = 0;

  const Outcome outcome = storage().get("blob", [&](std::string_view chunk) {
    taken += chunk.size();
    return false;
  });

  EXPECT_EQ(outcome.code, PODIUM_CANCELLED);
  EXPECT_LT(taken, 5'000'000u);
}

TEST_P(StorageContract, HasWhatItHadAfterAReopening) {
  ASSERT_TRUE(storage().put("kept", "content").ok());
  ASSERT_TRUE(storage().put("gone", "content").ok());
  ASSERT_TRUE(storage().remove("gone").ok());

  reopen();

  EXPECT_EQ(storage().keys(), std::vector<std::string>{"kept"});
  EXPECT_EQ(content("kept"), "content");
}

TEST_P(StorageContract, NeverMixesContentsOfOneKeyWrittenByManyThreads) {
  constexpr int kWriters = 4, kRounds = 25;
  std::vector<std::string> contents;
  for (std::uint64_t i = 0; i < kWriters; ++i) contents.push_back(noise(300'000 + i * 1000, i));
  ASSERT_TRUE(storage().put("blob", contents[0]).ok());
  std::atomic<int> writing{kWriters}, wrong{0}, reads{0};

  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        if (!storage().put("blob", contents[i]).ok()) ++wrong;
      }
      --writing;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      std::string out;
      do {
        if (!storage().get("blob", out).ok()) ++wrong;
        if (std::find(contents.begin(), contents.end(), out) == contents.end()) ++wrong;
        ++reads;
      } while (writing > 0);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_GT(reads, 0);
}

TEST_P(StorageContract, LetsManyThreadsPutAndRemoveTheSameContent) {
  constexpr int kThreads = 8, kRounds = 100;
  std::mutex mutex;
  std::vector<std::string> wrong;
  const auto expect = [&](const char* doing, const auto& outcome) {
    const std::lock_guard lock(mutex);
    if (!outcome.ok()) wrong.push_back(doing + (": " + outcome.message));
    return outcome.ok();
  };

  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = "key" + std::to_string(i);
      std::string out;
      for (int round = 0; round < kRounds; ++round) {
        const std::string content = "shared " + std::to_string(round % 3);
        expect("put", storage().put(key, content));
        if (expect("get", storage().get(key, out)) && out != content) {
          const std::lock_guard lock(mutex);
          wrong.push_back("got " + out + " for " + content);
        }
        expect("remove", storage().remove(key));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, std::vector<std::string>());
  EXPECT_TRUE(storage().keys().empty());
}

}  // namespace podium::sdk::testing
