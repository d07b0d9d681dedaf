// The pages that a run needs are found out by a run.

#include "pod/hot_pages.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace podium::pod {
namespace {

constexpr std::size_t kPageSize = 4096, kPages = 16;

long faults() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return used.ru_minflt;
}

/// Memory that a zygote has and its children share until they write to it.
volatile char* shared_memory() {
  void* const memory = ::mmap(nullptr, kPages * kPageSize, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const bytes = static_cast<volatile char*>(memory);
  for (std::size_t i = 0; i < kPages; ++i) bytes[i * kPageSize] = 1;
  return bytes;
}

void write_every_second(volatile char* memory) {
  for (std::size_t i = 0; i < kPages; i += 2) memory[i * kPageSize] = 2;
}

/// The exit status of a child that runs `body`.
template <class Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(HotPages, ArePopulatedAheadSoThatARunMeetsNoFault) {
  volatile char* const memory = shared_memory();
  ASSERT_NE(memory, nullptr);
  HotPages hot;
  const bool learned = hot.learn([] {}, [](bool) {}, [] {}, [&] { write_every_second(memory); });

  const int with = in_child([&] {
    hot.populate();
    faults();
    const long before = faults();
    write_every_second(memory);
    return static_cast<int>(faults() - before);
  });
  const int without = in_child([&] {
    faults();
    const long before = faults();
    write_every_second(memory);
    return static_cast<int>(faults() - before);
  });

  EXPECT_TRUE(learned);
  EXPECT_EQ(without, static_cast<int>(kPages / 2));
  EXPECT_EQ(with, 0);
}

TEST(HotPages, TellOfARunThatDoesNotComeToItsEnd) {
  HotPages hot;

  EXPECT_FALSE(hot.learn([] {}, [](bool) {}, [] {}, [] { ::_exit(3); }));
}

}  // namespace
}  // namespace podium::pod
