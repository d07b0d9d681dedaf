#include "daemon/io_watches.hpp"

#include <gtest/gtest.h>

#include <sys/eventfd.h>

#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>

namespace podium {
namespace {

using namespace std::chrono_literals;

/// An I/O thread with its watches.
class IoWatchesTest : public testing::Test {
 protected:
  IoWatchesTest() : thread_([this] { io_.run(); }) {}
  ~IoWatchesTest() override { end(); }

  /// As the daemon does.
  void end() {
    if (!thread_.joinable()) return;
    guard_.reset();
    io_.stop();
    thread_.join();
    watches_.end();
  }
  /// A descriptor to be watched, whose other side is event_.
  UniqueFd reader() const { return UniqueFd(::dup(event_.get())); }
  void write() {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(event_.get(), &one, sizeof one), 8);
  }
  std::uint64_t read() {
    std::uint64_t value = 0;
    return ::read(event_.get(), &value, sizeof value) == 8 ? value : 0;
  }

  UniqueFd event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  IoWatches watches_{io_};
  std::thread thread_;
};

TEST_F(IoWatchesTest, CallsOnTheIoThreadWheneverSomethingCanBeRead) {
  std::atomic<int> calls{0};
  std::atomic<bool> elsewhere{false};
  std::promise<void> third;
  auto watch = watches_.watch(
      reader(),
      [&] {
        if (std::this_thread::get_id() != thread_.get_id()) elsewhere = true;
        if (read() == 0) return;
        if (++calls == 3) return third.set_value();
        write();
      },
      [] {});

  write();

  ASSERT_EQ(third.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_FALSE(elsewhere);
}

TEST_F(IoWatchesTest, CallsAgainForWhatWasLeft) {
  std::atomic<int> calls{0};
  std::promise<void> second;
  auto watch = watches_.watch(
      reader(),
      [&] {
        if (++calls == 2) {
          read();
          second.set_value();
        }
      },
      [] {});

  write();  // once, and the first call leaves it

  EXPECT_EQ(second.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(IoWatchesTest, LetsNoCallComeAfterItsEndAndWaitsForOneThatRuns) {
  std::promise<void> in, out;
  std::atomic<int> calls{0};
  std::atomic<bool> over{false};
  auto watch = watches_.watch(
      reader(),
      [&] {
        read();
        if (++calls > 1) return;
        in.set_value();
        out.get_future().wait();
        over = true;
      },
      [] { FAIL() << "the I/O thread goes on"; });
  write();
  ASSERT_EQ(in.get_future().wait_for(20s), std::future_status::ready);

  std::thread releaser([&] {
    std::this_thread::sleep_for(20ms);
    out.set_value();
  });
  watch.reset();
  EXPECT_TRUE(over);
  releaser.join();

  write();
  std::promise<void> passed;
  asio::post(io_, [&] { asio::post(io_, [&] { passed.set_value(); }); });
  passed.get_future().wait();
  EXPECT_EQ(calls, 1);
}

TEST_F(IoWatchesTest, TellsOnceThatTheIoThreadHasEnded) {
  std::atomic<int> ready{0}, ended{0};
  auto watch = watches_.watch(
      reader(), [&] { ++ready; }, [&] { ++ended; });
  auto gone = watches_.watch(
      reader(), [] {}, [] { FAIL() << "it is not watched any more"; });
  gone.reset();

  end();
  write();

  EXPECT_EQ(ended, 1);
  EXPECT_EQ(ready, 0);
  watch.reset();
  EXPECT_EQ(ended, 1);
  EXPECT_THROW(watches_.watch(
                   reader(), [] {}, [] {}),
               Failure);
}

}  // namespace
}  // namespace podium
