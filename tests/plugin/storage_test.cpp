#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin/generations.hpp"

using namespace podium;
using namespace podium::test;
using ::testing::HasSubstr;

namespace {

class Text : public Source {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* buffer, std::size_t capacity) override {
    std::size_t n = std::min(capacity, text_.size() - given_);
    std::memcpy(buffer, text_.data() + given_, n);
    given_ += n;
    return n;
  }

 private:
  std::string text_;
  std::size_t given_ = 0;
};

class PluginStorage : public ::testing::Test {
 protected:
  void put(const std::string& key, const std::string& content) {
    Text text(content);
    storage.put(key, text);
  }
  std::string get(const std::string& key, Bytes offset = 0,
                  Bytes length = std::numeric_limits<Bytes>::max()) {
    std::string out;
    storage.get(key, offset, length, [&](std::string_view chunk) {
      out += chunk;
      return true;
    });
    return out;
  }

  Generations world;
  std::shared_ptr<const Generation> generation = world.build(world.config());
  Storage& storage = generation->storage();
};

}  // namespace

TEST_F(PluginStorage, GivesBackWhatWasPutAndRangesOfIt) {
  std::string content(5000, 'x');
  put(std::string("k\0\n", 3), content + "yz");

  EXPECT_EQ(get(std::string("k\0\n", 3)), content + "yz");
  EXPECT_EQ(get(std::string("k\0\n", 3), 4999, 2), "xy");
}

TEST_F(PluginStorage, FindsNothingUnderAnUnknownKey) {
  EXPECT_EQ(storage.head("none"), std::nullopt);
  EXPECT_EQ(code_of_failure([&] { get("none"); }), Code::kNotFound);
  EXPECT_EQ(message_of([&] { get("none"); }), "storage \"files\": no such blob");
}

TEST_F(PluginStorage, DescribesABlob) {
  put("k", "1234");

  auto blob = storage.head("k");

  ASSERT_TRUE(blob);
  EXPECT_EQ(blob->key, "k");
  EXPECT_EQ(blob->length, 4u);
  EXPECT_EQ(blob->modified, 1000);
}

TEST_F(PluginStorage, ListsByPrefixUntilTheVisitorHasEnough) {
  for (const char* key : {"a1", "a2", "a3", "b"}) put(key, "x");
  std::vector<std::string> keys;

  storage.list("a", [&](const BlobInfo& blob) {
    keys.push_back(blob.key);
    return keys.size() < 2;
  });

  EXPECT_EQ(keys, (std::vector<std::string>{"a1", "a2"}));
}

TEST_F(PluginStorage, RemovesABlob) {
  put("k", "x");

  storage.remove("k");
  storage.remove("k");

  EXPECT_EQ(storage.head("k"), std::nullopt);
}

TEST_F(PluginStorage, PassesOnWhatTheSourceThrowsAndKeepsNothing) {
  struct Failing : Source {
    std::size_t read(char*, std::size_t) override {
      throw Failure(Code::kTooLarge, "the upload is too large");
    }
  } source;

  EXPECT_EQ(code_of_failure([&] { storage.put("k", source); }), Code::kTooLarge);

  EXPECT_EQ(storage.head("k"), std::nullopt);
}

TEST_F(PluginStorage, PassesOnWhatTheReaderThrows) {
  put("k", "x");

  auto get_badly = [&] {
    storage.get("k", 0, 1, [](std::string_view) -> bool { throw std::runtime_error("mine"); });
  };

  EXPECT_THROW(get_badly(), std::runtime_error);
}

TEST_F(PluginStorage, IsCancelledByAReaderThatStops) {
  put("k", "x");

  Code code = code_of_failure(
      [&] { storage.get("k", 0, 1, [](std::string_view) { return false; }); });

  EXPECT_EQ(code, Code::kCancelled);
}

TEST_F(PluginStorage, RefusesKeysOfAnImpossibleLength) {
  EXPECT_EQ(code_of_failure([&] { put("", "x"); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of_failure([&] { put(std::string(201, 'k'), "x"); }), Code::kInvalidArgument);
}

TEST_F(PluginStorage, IsCountedByItsNameWithWhatItMovedAndCouldNotDo) {
  put("k", "12345");
  get("k");
  get("k", 0, 2);
  storage.head("unknown");
  code_of_failure([&] { put("k", std::string(2 << 20, 'x')); });

  const std::string text = world.workshop.metrics.text({});

  for (const char* line :
       {R"(podium_storage_operation_seconds_count{operation="put",plugin="files"} 2)",
        R"(podium_storage_operation_seconds_count{operation="get",plugin="files"} 2)",
        R"(podium_storage_operation_seconds_count{operation="head",plugin="files"} 1)",
        R"(podium_storage_errors_total{operation="put",plugin="files"} 1)",
        R"(podium_storage_errors_total{operation="head",plugin="files"} 0)",
        R"(podium_storage_bytes_total{direction="in",plugin="files"} 5)",
        R"(podium_storage_bytes_total{direction="out",plugin="files"} 7)"}) {
    EXPECT_NE(text.find(std::string(line) + "\n"), text.npos) << line;
  }
}

TEST_F(PluginStorage, TellsThePluginsOwnFailure) {
  EXPECT_EQ(code_of_failure([&] { put("k", std::string(2 << 20, 'x')); }),
            Code::kResourceExhausted);
}

TEST_F(PluginStorage, SweepsAndHasNoLocalFilesWhenThePluginOffersNone) {
  storage.sweep();

  EXPECT_TRUE(world.workshop.log.has("memory swept"));
  EXPECT_FALSE(storage.has_local_files());
  EXPECT_THAT(message_of([&] { storage.open_local("k"); }), HasSubstr("no local files"));
  EXPECT_EQ(storage.check_health(milliseconds(10)).state, HealthState::kHealthy);
}

TEST_F(PluginStorage, LetsOneCallInAtATimeBecauseThePluginAsksForIt) {
  put("k", "content");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) EXPECT_EQ(get("k"), "content");
    });
  }
  for (std::thread& thread : threads) thread.join();
}
