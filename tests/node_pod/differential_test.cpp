// Each program in programs/ is run by node in a job's sandbox and by a node that waited: output,
// stack traces and exit code must be the same.

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "node_fixture.hpp"

namespace podium::sandbox {
namespace {

const std::string kPrograms = PODIUM_SOURCE_DIR "/tests/node_pod/programs";

std::vector<std::string> program_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kPrograms)) {
    names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

/// What stands behind "// key: " in the program, with its \n as newlines.
std::string directive(const std::string& code, const std::string& key) {
  std::smatch found;
  if (!std::regex_search(code, found, std::regex("// " + key + ": (.*)"))) return {};
  return std::regex_replace(found[1].str(), std::regex(R"(\\n)"), "\n");
}

Program read_program(const std::string& name) {
  std::ifstream in(kPrograms + "/" + name + ".js", std::ios::binary);
  Program program = node_program({std::istreambuf_iterator<char>(in), {}});
  program.input = directive(program.code, "input");
  std::istringstream arguments(directive(program.code, "args"));
  for (std::string word; std::getline(arguments, word, '|');) program.arguments.push_back(word);
  return program;
}

class NodeDifferential : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_FAIL() << "the pod tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
    PoolOptions job;
    job.limits = kFirstLimits;
    sandboxes_ = std::make_unique<Sandboxes>(spawner_->host(), std::vector{job, node_pool()});
  }
  static void TearDownTestSuite() {
    sandboxes_.reset();
    spawner_.reset();
  }

  static std::unique_ptr<Recorded> run(const Program& program, std::size_t pool) {
    auto recorded = std::make_unique<Recorded>();
    recorded->start(*sandboxes_, program, pool);
    recorded->wait();
    return recorded;
  }

  inline static std::unique_ptr<SpawnerProcess> spawner_;
  inline static std::unique_ptr<Sandboxes> sandboxes_;
};

TEST_P(NodeDifferential, AWarmNodeDoesWhatNodeDoes) {
  const Program program = read_program(GetParam());

  const auto cold = run(program, 0);
  const auto warm = run(program, 1);

  ASSERT_EQ(warm->end.code, PODIUM_OK) << warm->message;
  EXPECT_EQ(warm->end.warm, 1u);
  EXPECT_EQ(warm->out, cold->out);
  EXPECT_EQ(warm->err, cold->err);
  EXPECT_EQ(warm->end.exit_code, cold->end.exit_code);
  EXPECT_EQ(warm->end.signal, cold->end.signal);
  EXPECT_EQ(warm->end.limit, cold->end.limit);
  EXPECT_EQ(warm->end.changes >= 0, cold->end.changes >= 0);
}

INSTANTIATE_TEST_SUITE_P(Programs, NodeDifferential, testing::ValuesIn(program_names()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace podium::sandbox
