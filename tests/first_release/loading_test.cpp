#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "base/sha256.hpp"
#include "plugins/workshop.hpp"

using namespace podium;
using podium::test::RecordingEvents;
using podium::test::Workshop;

namespace {

/// A generation of plugins that were built with the header of the first release.
class FirstRelease : public ::testing::Test {
 protected:
  FirstRelease() {
    Config config;
    config.plugin_dir = workshop.dir.path();
    for (const char* name : {"runtime_1_0", "storage_1_0", "response_1_0"}) {
      workshop.add(std::string("tests/first_release/") + name + ".so", name);
      config.plugins.push_back({name, name, Json::object()});
    }
    config.storage = "storage_1_0";
    generation = builder.build(config, nullptr);
  }

  template <class Kind>
  Kind& it(std::size_t index) {
    return dynamic_cast<Kind&>(*generation->instances().at(index));
  }

  Workshop workshop;
  GenerationBuilder builder{workshop.services()};
  std::shared_ptr<const Generation> generation;
};

class Text : public Source {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* buffer, std::size_t capacity) override {
    const std::size_t n = text_.copy(buffer, capacity);
    text_.erase(0, n);
    return n;
  }

 private:
  std::string text_;
};

}  // namespace

TEST_F(FirstRelease, RuntimeRunsAProgram) {
  RecordingEvents events;
  RunRequest request;
  request.id = "of-the-first-release0";
  request.code = "hello";
  request.limits.output = 1000;

  Completion completion;
  {
    const std::unique_ptr<Lease> lease = it<Runtime>(0).start(request, events);
    completion = events.wait();
  }

  EXPECT_FALSE(completion.failure);
  EXPECT_EQ(events.out(), "first release: hello");
  EXPECT_TRUE(workshop.log.has("runtime of the first release"));
}

TEST_F(FirstRelease, StorageKeepsGivesListsAndRemoves) {
  auto& storage = it<Storage>(1);
  Text content("content");
  std::string got;

  storage.put("key", content);
  storage.get("key", 0, 7, [&](std::string_view piece) {
    got += piece;
    return true;
  });
  const auto head = storage.head("key");
  storage.remove("key");

  EXPECT_EQ(got, "content");
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->length, 7u);
  EXPECT_FALSE(storage.head("key").has_value());
}

TEST_F(FirstRelease, ResponseStreamsAnAnswer) {
  auto& response = it<Response>(2);
  std::string out;

  auto stream = response.begin(out);
  stream->tick(out);
  stream->finish(200, "{}", out);

  EXPECT_EQ(out, "\n\n{}");
}

TEST(FrozenHeader, IsWhatWasReleased) {
  std::ifstream in(PODIUM_SOURCE_DIR "/tests/first_release/podium_1_0/abi.h", std::ios::binary);
  const std::string header{std::istreambuf_iterator<char>(in), {}};

  EXPECT_EQ(sha256_hex(header), "3d8a3fe33ae45292b062d7eb9c0ed9db6a8064a56b667b5956bbf0cb4d521ad8")
      << "the header of a release never changes; change sdk/include/podium/abi.h";
}
