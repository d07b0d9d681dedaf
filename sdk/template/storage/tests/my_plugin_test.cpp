#include "my_plugin.hpp"

#include <gtest/gtest.h>
#include <podium/testing.hpp>

using namespace podium::sdk;
using namespace podium::sdk::testing;

namespace {

/// An instance with a folder of its own.
struct Subject {
  TempDir folder;
  FakeHost host;
  TestConfig config = make_config(MyPlugin::kOptions, {{"root", folder.path().string()}});
  StorageInstance<MyPlugin> storage{host.raw(), config};
};

}  // namespace

TEST(MyPlugin, GivesBackWhatWasPut) {
  Subject it;
  TextSource source("content");
  RecordingSink sink;

  call(it.storage->put, it.storage.self(), bytes("a/key"), source.raw());
  call(it.storage->get, it.storage.self(), bytes("a/key"), 0u, UINT64_MAX, sink.raw());

  EXPECT_EQ(sink.text(), "content");
}

TEST(MyPlugin, KeepsNothingOfASenderWhoLeaves) {
  Subject it;
  TextSource source("content");
  source.fail_after(3);

  EXPECT_THROW(call(it.storage->put, it.storage.self(), bytes("key"), source.raw()), Error);

  EXPECT_TRUE(std::filesystem::is_empty(it.folder.path()));
}

TEST(MyPlugin, RefusesARelativeRoot) {
  FakeHost host;
  TestConfig config = make_config(MyPlugin::kOptions, {{"root", "blobs"}});

  EXPECT_THROW(StorageInstance<MyPlugin>(host.raw(), config, PODIUM_DRY_RUN), Error);
}
