#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/snapshot.hpp"

namespace podium {
namespace {

TEST(Failure, IsToldFromFurtherOutWithItsFieldsAndRetry) {
  const Failure inner = Failure(Code::kResourceExhausted, "queue is full")
                            .with_field({"code", "too long", "max"})
                            .with_retry_after(std::chrono::seconds(3));

  const Failure outer = inner.within("exec");

  EXPECT_STREQ(outer.what(), "exec: queue is full");
  EXPECT_EQ(outer.code(), Code::kResourceExhausted);
  ASSERT_EQ(outer.fields().size(), 1u);
  EXPECT_EQ(outer.fields()[0].field, "code");
  EXPECT_EQ(outer.retry_after(), std::chrono::seconds(3));
  EXPECT_STREQ(inner.what(), "queue is full");
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFd, ClosesWhatItOwnsOnce) {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), raw);
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, ClosesTheOldOneWhenAssigned) {
  UniqueFd held(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int old = held.get();
  UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int kept = other.get();

  held = std::move(other);

  EXPECT_FALSE(is_open(old));
  EXPECT_EQ(held.get(), kept);
  EXPECT_EQ(other.get(), -1);
}

TEST(Snapshot, KeepsTheOldValueAliveForItsReaders) {
  Snapshot<int> snapshot;
  EXPECT_EQ(snapshot.exchange(std::make_shared<const int>(1)), nullptr);
  const auto reader = snapshot.get();

  const auto old = snapshot.exchange(std::make_shared<const int>(2));

  EXPECT_EQ(*reader, 1);
  EXPECT_EQ(old, reader);
  EXPECT_EQ(*snapshot.get(), 2);
}

TEST(Snapshot, GivesEveryReaderAWholeValue) {
  struct Pair {
    int a, b;
  };
  Snapshot<Pair> snapshot;
  (void)snapshot.exchange(std::make_shared<const Pair>(Pair{0, 0}));
  std::thread writer([&] {
    for (int i = 1; i <= 2'000; ++i)
      (void)snapshot.exchange(std::make_shared<const Pair>(Pair{i, i}));
  });
  for (int i = 0; i < 2'000; ++i) {
    const auto seen = snapshot.get();
    EXPECT_EQ(seen->a, seen->b);
  }
  writer.join();
  EXPECT_EQ(snapshot.get()->a, 2'000);
}

}  // namespace
}  // namespace podium
