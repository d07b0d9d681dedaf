#include <podium/plugin.hpp>
#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <map>

using namespace podium::sdk;
using podium::sdk::testing::call;
using podium::sdk::testing::FakeHost;
using podium::sdk::testing::make_config;
using podium::sdk::testing::RecordingSink;
using podium::sdk::testing::StorageInstance;
using podium::sdk::testing::TextSource;

namespace {

/// Blobs in a map, with the optional abilities of a storage.
class Blobs : public Storage,
              public LocalFile,
              public AdoptFile,
              public PutParts,
              public Maintenance {
 public:
  Blobs(Host host, const Options&) : host_(host) {}
  std::uint32_t max_concurrency() const noexcept override { return 1; }

  void put(std::string_view key, const Source& source) override {
    std::string content;
    char piece[3];
    while (std::size_t n = source.read(piece, sizeof piece)) content.append(piece, n);
    if (source.expected() && *source.expected() != content.size()) {
      throw Error(PODIUM_INVALID_ARGUMENT, "a lying sender");
    }
    blobs_[std::string(key)] = content;
  }
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const BlobSink& sink) override {
    for (char c : find(key).substr(offset, length)) sink.write(std::string_view(&c, 1));
  }
  Blob head(std::string_view key) override { return {{}, find(key).size(), 42}; }
  void list(std::string_view prefix, const BlobVisitor& each) override {
    for (const auto& [key, content] : blobs_) {
      if (key.starts_with(prefix) && !each({key, content.size(), 42})) return;
    }
  }
  void remove(std::string_view key) override { blobs_.erase(std::string(key)); }
  Descriptor open_local(std::string_view key) override {
    find(key);
    return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  bool adopt(std::string_view key, int descriptor, std::uint64_t length,
             std::string_view sha256) override {
    if (descriptor < 0) return false;
    blobs_[std::string(key)] = std::to_string(length) + " " + std::string(sha256);
    return true;
  }
  std::uint64_t part_size() const noexcept override { return 4; }
  std::unique_ptr<Parts> begin_parts(std::string_view key) override {
    if (key == "refused") throw Error(PODIUM_UNAVAILABLE, "takes nothing");
    return std::make_unique<BlobParts>(*this, std::string(key));
  }
  void sweep() override { host_.info("swept"); }

 private:
  /// Notes what it is told to keep.
  class BlobParts : public Parts {
   public:
    BlobParts(Blobs& blobs, std::string key) : blobs_(blobs), key_(std::move(key)) {}
    ~BlobParts() override {
      if (!finished_) blobs_.host_.info("took back " + key_);
    }
    void put(std::uint32_t number, int, std::uint64_t offset, std::uint64_t length) override {
      if (number == 0) throw Error(PODIUM_INVALID_ARGUMENT, "no such part");
      text_ += std::to_string(number) + ":" + std::to_string(offset) + "+" +
               std::to_string(length) + ";";
    }
    void finish(std::uint64_t length) override {
      blobs_.blobs_[key_] = text_ + std::to_string(length);
      finished_ = true;
    }

   private:
    Blobs& blobs_;
    const std::string key_;
    std::string text_;
    bool finished_ = false;
  };

  const std::string& find(std::string_view key) const {
    auto found = blobs_.find(std::string(key));
    if (found == blobs_.end()) throw Error(PODIUM_NOT_FOUND, "no blob " + std::string(key));
    return found->second;
  }

  Host host_;
  std::map<std::string, std::string> blobs_;
};

class StorageThunks : public ::testing::Test {
 protected:
  void put(const std::string& key, const TextSource& source) {
    call(storage->put, storage.self(), bytes(key), source.raw());
  }
  std::string get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
    RecordingSink sink;
    call(storage->get, storage.self(), bytes(key), offset, length, sink.raw());
    return sink.text();
  }
  podium_code head(const std::string& key, podium_blob* out) {
    podium_error err{};
    err.size = sizeof err;
    return storage->head(storage.self(), bytes(key), out, &err);
  }

  FakeHost host;
  StorageInstance<Blobs> storage{host.raw(), make_config()};
};

template <class F>
podium_code code_of(F body) {
  try {
    body();
  } catch (const Error& e) {
    return e.code();
  }
  return PODIUM_OK;
}

}  // namespace

TEST_F(StorageThunks, GiveBackARangeOfWhatWasPut) {
  put("k", TextSource("0123456789", 4));

  EXPECT_EQ(get("k", 0, UINT64_MAX), "0123456789");
  EXPECT_EQ(get("k", 3, 4), "3456");
}

TEST_F(StorageThunks, TellTheConcurrencyOfTheClass) { EXPECT_EQ(storage->max_concurrency, 1u); }

TEST_F(StorageThunks, KeepNothingWhenTheSenderLeaves) {
  TextSource source("0123456789", 4);
  source.fail_after(6);

  EXPECT_EQ(code_of([&] { put("k", source); }), PODIUM_CANCELLED);

  podium_blob blob{};
  EXPECT_EQ(head("k", &blob), PODIUM_NOT_FOUND);
}

TEST_F(StorageThunks, PassOnThatTheLengthIsUnknown) {
  TextSource source("0123456789");
  source.hide_length();

  put("k", source);

  EXPECT_EQ(get("k", 0, UINT64_MAX), "0123456789");
}

TEST_F(StorageThunks, EndAGetWhoseReaderLeaves) {
  put("k", TextSource("0123456789"));
  RecordingSink sink;
  sink.leave_after(2);

  podium_code code = code_of([&] {
    call(storage->get, storage.self(), bytes("k"), std::uint64_t{0}, UINT64_MAX, sink.raw());
  });

  EXPECT_EQ(code, PODIUM_CANCELLED);
  EXPECT_EQ(sink.text(), "01");
}

TEST_F(StorageThunks, DescribeABlobWithoutItsKey) {
  put("k", TextSource("0123"));
  podium_blob blob{};
  blob.size = sizeof blob;

  ASSERT_EQ(head("k", &blob), PODIUM_OK);

  EXPECT_EQ(blob.length, 4u);
  EXPECT_EQ(blob.modified_ms, 42);
  EXPECT_EQ(blob.key.size, 0u);
  EXPECT_EQ(blob.size, sizeof blob);
}

TEST_F(StorageThunks, ListByPrefixUntilTheVisitorStops) {
  for (const char* key : {"a1", "a2", "a3", "b1"}) put(key, TextSource("x"));
  std::vector<std::string> seen;

  call(
      storage->list, storage.self(), bytes("a"), static_cast<void*>(&seen),
      +[](void* ctx, const podium_blob* blob) {
        auto* into = static_cast<std::vector<std::string>*>(ctx);
        into->emplace_back(view(blob->key));
        return into->size() < 2;
      });

  EXPECT_EQ(seen, (std::vector<std::string>{"a1", "a2"}));
}

TEST_F(StorageThunks, RemoveWhatIsThereAndWhatIsNot) {
  put("k", TextSource("x"));

  call(storage->remove, storage.self(), bytes("k"));
  call(storage->remove, storage.self(), bytes("k"));

  podium_blob blob{};
  EXPECT_EQ(head("k", &blob), PODIUM_NOT_FOUND);
}

TEST_F(StorageThunks, RefuseKeysThatAreEmptyOrTooLong) {
  podium_blob blob{};

  EXPECT_EQ(head("", &blob), PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(head(std::string(201, 'k'), &blob), PODIUM_INVALID_ARGUMENT);
  EXPECT_EQ(head(std::string(200, '\0'), &blob), PODIUM_NOT_FOUND);
}

TEST_F(StorageThunks, OpenABlobAsALocalFile) {
  put("k", TextSource("x"));
  const auto* local = storage.extension<podium_local_file>(PODIUM_EXT_LOCAL_FILE);
  ASSERT_NE(local, nullptr);
  int descriptor = -1;

  call(local->open, storage.self(), bytes("k"), &descriptor);

  EXPECT_GE(descriptor, 0);
  Descriptor owned(descriptor);
  EXPECT_EQ(code_of([&] { call(local->open, storage.self(), bytes("none"), &descriptor); }),
            PODIUM_NOT_FOUND);
}

TEST_F(StorageThunks, AdoptAFileOrSayThatItCannotBeTaken) {
  const auto* files = storage.extension<podium_adopt_file>(PODIUM_EXT_ADOPT_FILE);
  ASSERT_NE(files, nullptr);
  bool adopted = false;
  podium_blob blob{};
  blob.size = sizeof blob;

  call(files->adopt, storage.self(), bytes("k"), 0, std::uint64_t{7}, bytes("abc"), &adopted);
  EXPECT_TRUE(adopted);
  ASSERT_EQ(head("k", &blob), PODIUM_OK);
  EXPECT_EQ(blob.length, 5u) << "\"7 abc\"";

  call(files->adopt, storage.self(), bytes("none"), -1, std::uint64_t{7}, bytes("abc"), &adopted);
  EXPECT_FALSE(adopted);
  EXPECT_EQ(head("none", &blob), PODIUM_NOT_FOUND);
}

TEST_F(StorageThunks, PutPartsAndTakeBackWhatWasNotFinished) {
  const auto* functions = storage.extension<podium_put_parts>(PODIUM_EXT_PUT_PARTS);
  ASSERT_NE(functions, nullptr);
  podium_parts* parts = nullptr;
  const auto put = [&](std::uint32_t number, std::uint64_t offset, std::uint64_t length) {
    call(functions->put, storage.self(), parts, number, 5, offset, length);
  };

  EXPECT_EQ(functions->part_size(storage.self()), 4u);
  call(functions->begin, storage.self(), bytes("k"), &parts);
  put(1, 0, 4);
  put(2, 4, 3);
  EXPECT_EQ(code_of([&] { put(0, 0, 4); }), PODIUM_INVALID_ARGUMENT);
  call(functions->finish, storage.self(), parts, std::uint64_t{7});
  functions->end(storage.self(), parts);
  EXPECT_EQ(get("k", 0, UINT64_MAX), "1:0+4;2:4+3;7");
  EXPECT_FALSE(host.logged(PODIUM_INFO, "took back k"));

  call(functions->begin, storage.self(), bytes("gone"), &parts);
  put(1, 0, 4);
  functions->end(storage.self(), parts);
  EXPECT_TRUE(host.logged(PODIUM_INFO, "took back gone"));

  for (const std::string& key : {std::string("refused"), std::string(), std::string(201, 'k')}) {
    EXPECT_NE(code_of([&] { call(functions->begin, storage.self(), bytes(key), &parts); }),
              PODIUM_OK);
  }
}

TEST_F(StorageThunks, SweepThroughTheMaintenanceExtension) {
  const auto* upkeep = storage.extension<podium_maintenance>(PODIUM_EXT_MAINTENANCE);
  ASSERT_NE(upkeep, nullptr);

  call(upkeep->sweep, storage.self());

  EXPECT_TRUE(host.logged(PODIUM_INFO, "swept"));
}
