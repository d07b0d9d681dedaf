#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

using Pod = PodTest;

TEST_F(Pod, PrintsAndEndsWithZero) {
  make({small_pool(1)});

  const auto run = this->run(pod_program("print(1)"));

  EXPECT_EQ(run->end.code, PODIUM_OK) << run->message;
  EXPECT_EQ(run->out, "1\n");
  EXPECT_EQ(run->err, "");
  EXPECT_EQ(run->end.exit_code, 0);
}

}  // namespace
}  // namespace podium::sandbox
