#include <gmock/gmock.h>

#include "session/store_fixture.hpp"

namespace podium {
namespace {

using testing::ElementsAre;

const auto nothing_in_use = [](const std::string&) { return false; };

TEST_F(SessionStoreTest, RemovesExpiredSessionsWithTheirFiles) {
  store().commit(session_of("old", 100), {file_of("f1", "old", "a"), file_of("f2", "old", "b")});
  store().commit(session_of("edge", 200), {file_of("f3", "edge", "a")});
  store().commit(session_of("new", 300), {file_of("f4", "new", "a")});

  const auto blobs = store().remove_expired(200, 10, nothing_in_use);

  EXPECT_THAT(blobs, ElementsAre("blob-f1", "blob-f2"));
  EXPECT_FALSE(store().find_session("old"));
  EXPECT_FALSE(store().find_file("f1"));
  EXPECT_TRUE(store().find_session("edge"));
  EXPECT_TRUE(store().find_file("f4"));
}

TEST_F(SessionStoreTest, NeverRemovesAnExpiredSessionThatIsInUse) {
  for (int i = 0; i < 20; ++i) {
    const std::string id = "s" + std::to_string(i);
    store().commit(session_of(id, 100), {file_of("f" + std::to_string(i), id, "a")});
  }
  const auto even_in_use = [](const std::string& id) { return (id.back() - '0') % 2 == 0; };

  // Fewer at a time than there are in use: those must not hide the rest.
  std::size_t removed = 0;
  for (int pass = 0; pass < 10; ++pass) {
    removed += store().remove_expired(200, 3, even_in_use).size();
  }

  EXPECT_EQ(removed, 10u);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "s" + std::to_string(i);
    EXPECT_EQ(store().find_session(id).has_value(), i % 2 == 0) << id;
    EXPECT_EQ(store().files(id).size(), i % 2 == 0 ? 1u : 0u) << id;
  }
}

TEST_F(SessionStoreTest, RemovesNoMoreExpiredSessionsThanAskedFor) {
  for (int i = 0; i < 7; ++i) store().commit(session_of("s" + std::to_string(i), 100 + i), {});

  store().remove_expired(1000, 5, nothing_in_use);

  EXPECT_FALSE(store().find_session("s4"));
  EXPECT_TRUE(store().find_session("s5"));  // the oldest go first
}

TEST_F(SessionStoreTest, RemovesNothingWhenAskingWhatIsInUseFails) {
  store().commit(session_of("s1", 100), {});
  store().commit(session_of("s2", 101), {});

  const Failure failure = failure_of([&] {
    store().remove_expired(1000, 5, [](const std::string& id) -> bool {
      if (id == "s2") throw Failure(Code::kInternal, "cannot tell");
      return false;
    });
  });

  EXPECT_STREQ(failure.what(), "cannot tell");
  EXPECT_TRUE(store().find_session("s1"));
}

TEST_F(SessionStoreTest, DoesNotExpireASessionWhoseUseIsStillToBeWritten) {
  store().commit(session_of("s1", 100), {});

  store().commit_later(session_of("s1", 5000));
  store().remove_expired(1000, 10, nothing_in_use);

  EXPECT_TRUE(store().find_session("s1"));
}

}  // namespace
}  // namespace podium
