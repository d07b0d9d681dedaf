// What a waiting pod costs beside what it shares with its zygote.

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

using PodMemory = PodTest;

unsigned long own_kilobytes(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/smaps_rollup");
  unsigned long found = 0;
  for (std::string line; std::getline(in, line);) {
    if (std::sscanf(line.c_str(), "Private_Dirty: %lu kB", &found) == 1) break;
  }
  return found;
}

TEST_F(PodMemory, AWaitingPodOfTheFullTierHasAboutThreeMegabytesOfItsOwn) {
  make({small_pool(4, "numpy,pandas,matplotlib")});

  const auto family = this->family(4);

  ASSERT_EQ(family.pods.size(), 4u);
  for (const pid_t pod : family.pods) {
    EXPECT_GT(own_kilobytes(pod), 0u);
    // 3,600 when allocations fill the gaps that the imports left; see fill_gaps.
    EXPECT_LT(own_kilobytes(pod), 3200u);
  }
}

}  // namespace
}  // namespace podium::sandbox
