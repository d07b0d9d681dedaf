/// podium.put-parts/1, for storages that have it.

#include <podium/testing/in_parts.hpp>
#include <podium/testing/storage_contract.hpp>

#include <thread>

namespace podium::sdk::testing {

/// Here, so that a linker takes these cases too.
void StorageContract::SetUp() { storage_ = GetParam().open(scratch_.path()); }

namespace {

std::uint64_t part_size_of(LoadedStorage& storage) { return InParts(storage, "").part_size(); }

}  // namespace

TEST_P(StorageContract, MakesOneContentOfPartsThatArePutAtTheSameTime) {
  const std::uint64_t part = part_size_of(storage());
  if (part == 0) return;  // it takes no parts, and need not
  const std::uint64_t size = 2 * part + 1001;
  const std::string expected = noise(size, 1);
  InParts parts(storage(), expected);
  ASSERT_TRUE(parts.begin("blob").ok());

  podium_code first = PODIUM_INTERNAL;
  std::thread other([&] { first = parts.put(1, 0, part).code; });
  const Outcome second = parts.put(2, part, part);
  other.join();
  const Outcome third = parts.put(3, 2 * part, 1001);

  EXPECT_EQ(first, PODIUM_OK);
  EXPECT_TRUE(second.ok()) << second.message;
  EXPECT_TRUE(third.ok()) << third.message;
  EXPECT_TRUE(storage().keys().empty()) << "it is not finished yet";
  ASSERT_TRUE(parts.finish(size).ok());
  parts.end();
  EXPECT_TRUE(content("blob") == expected);
}

TEST_P(StorageContract, ReplacesABlobByPartsThatWerePutInAnyOrderAndMoreThanOnce) {
  const std::uint64_t part = part_size_of(storage());
  if (part == 0) return;
  const std::string text = noise(2 * part, 2);
  ASSERT_TRUE(storage().put("blob", "as it was").ok());
  InParts parts(storage(), text);
  ASSERT_TRUE(parts.begin("blob").ok());

  ASSERT_TRUE(parts.put(2, part, 5).ok());
  ASSERT_TRUE(parts.put(1, part, part).ok());
  ASSERT_TRUE(parts.put(1, 0, part).ok());
  EXPECT_EQ(content("blob"), "as it was");
  ASSERT_TRUE(parts.finish(part + 5).ok());
  parts.end();

  EXPECT_TRUE(content("blob") == text.substr(0, part + 5));
}

TEST_P(StorageContract, KeepsNothingOfPartsThatAreNotFinished) {
  const std::uint64_t part = part_size_of(storage());
  if (part == 0) return;
  ASSERT_TRUE(storage().put("old", "as it was").ok());
  for (const char* key : {"old", "new"}) {
    InParts parts(storage(), noise(part, 3));
    ASSERT_TRUE(parts.begin(key).ok());
    ASSERT_TRUE(parts.put(1, 0, part).ok());
    parts.end();
  }

  EXPECT_EQ(storage().keys(), std::vector<std::string>{"old"});
  EXPECT_EQ(content("old"), "as it was");
}

TEST_P(StorageContract, FinishesNothingWhosePartsAreMissing) {
  const std::uint64_t part = part_size_of(storage());
  if (part == 0) return;
  InParts none(storage(), "");
  ASSERT_TRUE(none.begin("none").ok());
  InParts second(storage(), noise(part, 4));
  ASSERT_TRUE(second.begin("second").ok());
  ASSERT_TRUE(second.put(2, 0, 5).ok());

  EXPECT_FALSE(none.finish(0).ok());
  EXPECT_FALSE(second.finish(5).ok());
  none.end();
  second.end();

  EXPECT_TRUE(storage().keys().empty());
}

TEST_P(StorageContract, SaysSoWhenAPartIsShorterThanItWasSaid) {
  const std::uint64_t part = part_size_of(storage());
  if (part == 0) return;
  InParts parts(storage(), noise(100'000, 5));
  ASSERT_TRUE(parts.begin("blob").ok());

  EXPECT_FALSE(parts.put(1, 0, 100'001).ok());
  parts.end();

  EXPECT_TRUE(storage().keys().empty());
}

}  // namespace podium::sdk::testing
