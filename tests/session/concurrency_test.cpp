#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "session/store_fixture.hpp"

namespace podium {
namespace {

TEST_F(SessionStoreTest, CommitsOfManyThreadsAreAllKept) {
  constexpr int kThreads = 8, kCommits = 50;
  std::atomic<int> failures{0};

  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const std::string session = "s" + std::to_string(thread);
      for (int i = 0; i < kCommits; ++i) {
        const std::string id = session + "-" + std::to_string(i);
        try {
          store().commit(session_of(session, i), {file_of(id, session, "name", i)});
          if (store().find_file_by_name(session, "name")->id != id) ++failures;
          store().commit_later(session_of("later-" + id, i));
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  reopen();

  EXPECT_EQ(failures, 0);
  for (int thread = 0; thread < kThreads; ++thread) {
    const std::string session = "s" + std::to_string(thread);
    EXPECT_EQ(store().files(session).size(), std::size_t{kCommits});
    EXPECT_TRUE(store().find_session("later-" + session + "-49"));
  }
}

TEST_F(SessionStoreTest, AFailingCommitDoesNotSpoilThoseOfOtherThreads) {
  constexpr int kThreads = 8, kCommits = 40;
  store().commit(session_of("taken"), {file_of("taken", "taken", "a")});
  std::atomic<int> kept{0}, refused{0};

  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const std::string session = "s" + std::to_string(thread);
      for (int i = 0; i < kCommits; ++i) {
        const bool bad = i % 2 == 0;
        try {
          store().commit(session_of(session),
                         {file_of(bad ? "taken" : session + std::to_string(i), session, "a")});
          ++kept;
        } catch (const Failure& failure) {
          if (failure.code() == Code::kConflict && bad) ++refused;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(kept, kThreads * kCommits / 2);
  EXPECT_EQ(refused, kThreads * kCommits / 2);
  for (int thread = 0; thread < kThreads; ++thread) {
    EXPECT_EQ(store().files("s" + std::to_string(thread)).size(), std::size_t{kCommits / 2});
  }
}

}  // namespace
}  // namespace podium
