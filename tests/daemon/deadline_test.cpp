#include "daemon/deadline.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace podium {
namespace {

TEST(Deadline, CallsWhenItIsMissed) {
  std::promise<void> missed;

  const Deadline deadline(std::chrono::milliseconds(1), [&] { missed.set_value(); });

  missed.get_future().get();
}

TEST(Deadline, IsSilentWhenItIsMet) {
  std::atomic<bool> missed{false};

  {
    const Deadline deadline(std::chrono::hours(1), [&] { missed = true; });
  }

  EXPECT_FALSE(missed);
}

}  // namespace
}  // namespace podium
