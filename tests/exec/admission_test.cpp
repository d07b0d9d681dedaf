#include "exec/admission.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <time.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"

namespace podium {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  AdmissionConfig config(std::uint32_t runs, std::uint32_t queue,
                         milliseconds wait = std::chrono::hours(1)) {
    AdmissionConfig made;
    made.runs = runs;
    made.queue = queue;
    made.queue_wait = wait;
    return made;
  }

  /// Waits for its turn, says so in `order`, and keeps the place until it is told.
  struct Client {
    explicit Client(Permit place) : permit(std::move(place)) {}
    Permit permit;
    Cancellation cancellation;
    std::optional<bool> turn;
    std::optional<Code> refused;
  };
  std::shared_ptr<Client> client(const AdmissionConfig& settings) {
    return std::make_shared<Client>(admission->admit(settings, 1));
  }
  void wait_for_turn(const std::shared_ptr<Client>& who) {
    asio::co_spawn(io, turn_of(who), asio::detached);
    io.poll();
    io.restart();
  }
  Task<> turn_of(std::shared_ptr<Client> who) {
    try {
      who->turn = co_await admission->turn(who->permit, who->cancellation);
    } catch (const Failure& failure) {
      who->refused = failure.code();
    }
  }
  void poll() {
    io.poll();
    io.restart();
  }

  asio::io_context io{1};
  std::shared_ptr<Admission> admission = std::make_shared<Admission>(io);
};

TEST_F(AdmissionTest, RunsSoManyAtOnceAndQueuesTheRest) {
  const auto a = client(config(2, 8)), b = client(config(2, 8)), c = client(config(2, 8));
  wait_for_turn(a);
  wait_for_turn(b);
  wait_for_turn(c);

  EXPECT_EQ(a->turn, true);
  EXPECT_EQ(b->turn, true);
  EXPECT_EQ(c->turn, std::nullopt);
  EXPECT_EQ(admission->running(), 2u);
  EXPECT_EQ(admission->waiting(), 1u);
}

TEST_F(AdmissionTest, LendsThePlaceOfARunThatRestsAndGivesItBackAtOnce) {
  const auto a = client(config(1, 8)), b = client(config(1, 8));
  wait_for_turn(a);
  wait_for_turn(b);
  Admission::rest(a->permit);
  Admission::rest(a->permit);
  poll();
  EXPECT_EQ(b->turn, true);
  EXPECT_EQ(admission->running(), 1u);

  Admission::resume(a->permit);
  Admission::resume(a->permit);
  EXPECT_EQ(admission->running(), 2u);
  Admission::leave(b->permit);
  EXPECT_EQ(admission->running(), 1u);
}

TEST_F(AdmissionTest, IsNotIdleWhileARunRests) {
  const auto a = client(config(1, 8));
  wait_for_turn(a);
  Admission::rest(a->permit);
  bool idle = false;
  const auto wait = [](Admission& all, bool& done) -> Task<> {
    co_await all.idle();
    done = true;
  };
  asio::co_spawn(io, wait(*admission, idle), asio::detached);
  poll();
  EXPECT_FALSE(idle);

  Admission::leave(a->permit);
  poll();
  EXPECT_TRUE(idle);
  EXPECT_EQ(admission->running(), 0u);
}

TEST_F(AdmissionTest, ServesTheQueueInTheOrderOfArrival) {
  std::vector<std::shared_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(client(config(1, 8)));
  for (auto who = clients.rbegin(); who != clients.rend(); ++who) wait_for_turn(*who);

  for (std::size_t i = 0; i < clients.size(); ++i) {
    for (std::size_t other = i; other < clients.size(); ++other) {
      EXPECT_EQ(clients[other]->turn.has_value(), other == i) << i << " " << other;
    }
    Admission::leave(clients[i]->permit);
    poll();
  }
  EXPECT_EQ(admission->running(), 0u);
}

TEST_F(AdmissionTest, NumbersThoseWhoWaitInTheOrderOfArrival) {
  const auto place = [&] { return std::make_unique<Permit>(admission->admit(config(1, 8), 1)); };
  const auto position = [&](const std::unique_ptr<Permit>& of) { return admission->position(*of); };
  auto running = place();
  auto a = place(), b = place(), c = place();
  EXPECT_EQ(position(running), 0u);
  EXPECT_EQ(position(c), 3u);

  b.reset();
  EXPECT_EQ(position(a), 1u);
  EXPECT_EQ(position(c), 2u);
  auto d = place();
  EXPECT_EQ(position(d), 3u);

  running.reset();
  auto e = place();
  EXPECT_EQ(position(a), 0u);
  EXPECT_EQ(position(c), 1u);
  EXPECT_EQ(position(d), 2u);
  EXPECT_EQ(position(e), 3u);
}

/// Of processor time, so that a busy machine makes no difference.
double thread_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

TEST_F(AdmissionTest, TellsFiveThousandTheirPositionsAfterEveryChangeInLittleTime) {
  constexpr unsigned kWaiting = 5000, kChanges = 20;
  std::vector<Permit> places;
  const double began = thread_seconds();
  for (unsigned i = 0; i < kWaiting + 1; ++i) {
    places.push_back(admission->admit(config(1, kWaiting), 1));
    ASSERT_EQ(admission->position(places.back()), i);
  }

  for (unsigned change = 1; change <= kChanges; ++change) {
    places.erase(places.begin() + 1 + change * 7);
    for (unsigned i = 1; i < places.size(); ++i) {
      ASSERT_EQ(admission->position(places[i]), i);
    }
  }

  // Counted anew by each of them it would be minutes.
  EXPECT_LT(thread_seconds() - began, 3.0);
}

TEST_F(AdmissionTest, RefusesWhoeverFindsTheQueueFullAndNamesTheCapacity) {
  const auto a = client(config(1, 1)), b = client(config(1, 1));

  try {
    client(config(1, 1));
    FAIL() << "expected a refusal";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kResourceExhausted);
    EXPECT_NE(std::string(failure.what()).find("capacity is 1 runs and 1 waiting"),
              std::string::npos);
    ASSERT_TRUE(failure.retry_after());
    EXPECT_GE(failure.retry_after()->count(), 1);
  }
  EXPECT_EQ(admission->waiting(), 1u);
}

TEST_F(AdmissionTest, FreesTheQueuesPlaceOfOneWhoGivesUp) {
  const auto a = client(config(1, 1));
  client(config(1, 1));  // dropped at once

  EXPECT_EQ(admission->waiting(), 0u);
  EXPECT_NO_THROW(client(config(1, 1)));
}

TEST_F(AdmissionTest, EndsAWaitThatIsTooLong) {
  const auto a = client(config(1, 8, milliseconds(5)));
  const auto b = client(config(1, 8, milliseconds(5)));

  asio::co_spawn(io, turn_of(b), asio::detached);
  io.run();

  EXPECT_EQ(b->refused, Code::kDeadlineExceeded);
  EXPECT_EQ(b->turn, std::nullopt);
}

TEST_F(AdmissionTest, WakesACancelledWaiter) {
  const auto a = client(config(1, 8)), b = client(config(1, 8));
  wait_for_turn(b);

  b->cancellation.request();
  poll();

  EXPECT_EQ(b->turn, false);
}

TEST_F(AdmissionTest, TakesTheNewestGenerationsLimits) {
  const Permit a = admission->admit(config(1, 8), 1);
  const Permit b = admission->admit(config(1, 8), 1);
  EXPECT_EQ(admission->running(), 1u);

  const Permit c = admission->admit(config(3, 8), 2);
  EXPECT_EQ(admission->running(), 3u);
  const Permit d = admission->admit(config(9, 8), 1);
  EXPECT_EQ(admission->running(), 3u);
  EXPECT_EQ(admission->waiting(), 1u);
}

TEST_F(AdmissionTest, TakesNobodyAfterTheStop) {
  admission->stop();

  try {
    client(config(1, 1));
    FAIL() << "expected a refusal";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kUnavailable);
  }
}

TEST_F(AdmissionTest, IsIdleWhenTheLastOneHasLeft) {
  const auto a = client(config(1, 8)), b = client(config(1, 8));
  bool idle = false;
  asio::co_spawn(io, admission->idle(), [&](std::exception_ptr) { idle = true; });

  poll();
  EXPECT_FALSE(idle);
  Admission::leave(a->permit);
  poll();
  EXPECT_FALSE(idle);
  Admission::leave(b->permit);
  poll();
  EXPECT_TRUE(idle);
}

TEST_F(AdmissionTest, OutlivesItsOwnerForAsLongAsSomeoneHasAPlace) {
  Permit permit = admission->admit(config(1, 1), 1);

  admission.reset();

  Admission::leave(permit);  // under a sanitizer: no use after free
}

class CountedRequests : public AdmissionTest {
 protected:
  static constexpr Bytes kMiB = 1u << 20;

  CountedRequests() { settings.requests = 10 * kMiB; }

  ByteShare share(Bytes bytes) {
    ByteShare made;
    admission->count(settings, made, bytes);
    return made;
  }
  std::optional<Failure> refusal(Bytes bytes) {
    try {
      share(bytes);
    } catch (const Failure& failure) {
      return failure;
    }
    return std::nullopt;
  }

  AdmissionConfig settings = config(1, 8);
};

TEST_F(CountedRequests, AreTakenUpToTheBoundAndRefusedBeyondItWithATimeToTryAgain) {
  const ByteShare first = share(6 * kMiB), second = share(4 * kMiB);

  const auto refused = refusal(kMiB);

  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), Code::kResourceExhausted);
  EXPECT_TRUE(refused->retry_after());
  EXPECT_NE(std::string(refused->what()).find("have 10MiB, this one 1MiB, and it takes 10MiB"),
            std::string::npos)
      << refused->what();
}

TEST_F(CountedRequests, GiveTheirBytesBackAtTheirEnd) {
  {
    const ByteShare first = share(10 * kMiB);
    EXPECT_TRUE(refusal(kMiB));
  }

  EXPECT_FALSE(refusal(10 * kMiB));
}

TEST_F(CountedRequests, KeepWhatTheyHadWhenTheyMayNotGrow) {
  const ByteShare first = share(6 * kMiB);
  ByteShare second = share(2 * kMiB);

  EXPECT_THROW(admission->count(settings, second, 5 * kMiB), Failure);

  EXPECT_EQ(second.bytes(), 2 * kMiB);
  EXPECT_FALSE(refusal(2 * kMiB));
}

TEST_F(CountedRequests, AreNeverRefusedWhenTheyAreSmall) {
  const ByteShare all = share(10 * kMiB);

  EXPECT_FALSE(refusal(16 << 10));
  EXPECT_TRUE(refusal((16 << 10) + 1));
}

TEST_F(CountedRequests, AreCountedForAsLongAsTheyWaitOrRun) {
  auto running = std::make_unique<Permit>(admission->admit(settings, 1, share(6 * kMiB)));
  auto waiting = std::make_unique<Permit>(admission->admit(settings, 1, share(4 * kMiB)));
  EXPECT_TRUE(refusal(kMiB));

  running.reset();
  EXPECT_FALSE(refusal(6 * kMiB));
  EXPECT_TRUE(refusal(7 * kMiB));

  waiting.reset();
  EXPECT_FALSE(refusal(10 * kMiB));
}

}  // namespace
}  // namespace podium
