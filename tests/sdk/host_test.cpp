#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <future>
#include <stdexcept>

using namespace podium::sdk;
using podium::sdk::testing::FakeHost;

namespace {

podium_code code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    return e.code();
  }
  return PODIUM_OK;
}

}  // namespace

TEST(Host, LogsWithALevel) {
  FakeHost fake;

  fake.host().warning("disk is full");

  ASSERT_EQ(fake.log().size(), 1u);
  EXPECT_EQ(fake.log()[0].level, static_cast<std::uint32_t>(PODIUM_WARNING));
  EXPECT_EQ(fake.log()[0].message, "disk is full");
}

TEST(Host, PostsATaskToAnotherThread) {
  FakeHost fake;
  std::promise<std::thread::id> ran;

  fake.host().post([&] { ran.set_value(std::this_thread::get_id()); });

  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(Host, LogsWhatAPostedTaskThrows) {
  FakeHost fake;

  fake.host().post([] { throw std::runtime_error("boom"); });
  fake.join();

  EXPECT_TRUE(fake.logged(PODIUM_ERROR, "boom"));
}

TEST(Host, SaysSoWhenItCannotPost) {
  FakeHost fake;

  fake.refuse_tasks("the pool is closed");
  EXPECT_EQ(code_of([&] { fake.host().post([] {}); }), PODIUM_RESOURCE_EXHAUSTED);
  fake.offer_executor(false);
  EXPECT_EQ(code_of([&] { fake.host().post([] {}); }), PODIUM_UNSUPPORTED);
}

TEST(Host, GivesOwnershipOfAConnectionToTheSpawner) {
  FakeHost fake;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Descriptor other(pipe[1]);
  fake.offer_sandbox([&] { return pipe[0]; });

  { Descriptor connection = fake.host().connect_sandbox(); }

  EXPECT_EQ(::fcntl(pipe[0], F_GETFD), -1);
}

TEST(Host, PassesOnWhyThereIsNoConnectionToTheSpawner) {
  FakeHost fake;
  EXPECT_EQ(code_of([&] { fake.host().connect_sandbox(); }), PODIUM_UNSUPPORTED);

  fake.offer_sandbox([]() -> int { throw Error(PODIUM_UNAVAILABLE, "restarting"); });

  EXPECT_EQ(code_of([&] { fake.host().connect_sandbox(); }), PODIUM_UNAVAILABLE);
}
