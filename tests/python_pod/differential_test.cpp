// Each program in programs/ is run by python3 in a job's sandbox, by a bare pod and by a pod with
// everything imported: output, tracebacks and exit code must be the same.

#include <algorithm>
#include <regex>

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

const std::string kPrograms = PODIUM_SOURCE_DIR "/tests/python_pod/programs";

std::vector<std::string> program_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kPrograms)) {
    if (entry.path().extension() == ".py") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

/// What stands behind "# key: " in the program, \n and \r unescaped.
std::string directive(const std::string& code, const std::string& key) {
  const std::string mark = "\n# " + key + ": ";
  const auto at = code.find(mark);
  if (at == std::string::npos) return {};
  const auto from = at + mark.size();
  std::string text = code.substr(from, code.find('\n', from) - from), out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

Program read_program(const std::string& name) {
  std::ifstream in(kPrograms + "/" + name + ".py", std::ios::binary);
  const std::string code(std::istreambuf_iterator<char>(in), {});
  Program program = pod_program(code);
  program.input = directive(code, "input");
  std::istringstream arguments(directive(code, "args"));
  for (std::string word; std::getline(arguments, word, '|');) program.arguments.push_back(word);
  return program;
}

/// Addresses of objects differ from process to process.
std::string without_addresses(const std::string& text) {
  static const std::regex kAddress("0x[0-9a-f]+");
  return std::regex_replace(text, kAddress, "0x");
}

class Differential : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_FAIL() << "the pod tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
    PoolOptions job;
    job.limits = kFirstLimits;
    sandboxes_ = std::make_unique<Sandboxes>(
        spawner_->host(), std::vector{job, pod_pool(""), pod_pool("numpy,pandas,matplotlib")});
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

  void compare(std::size_t pool) {
    const Program program = read_program(GetParam());

    const auto plain = run(program, 0);
    const auto pod = run(program, pool);

    EXPECT_EQ(pod->end.code, PODIUM_OK) << pod->message;
    EXPECT_EQ(pod->out, plain->out);
    EXPECT_EQ(without_addresses(pod->err), without_addresses(plain->err));
    EXPECT_EQ(pod->end.exit_code, plain->end.exit_code);
    EXPECT_EQ(pod->end.signal, plain->end.signal);
    EXPECT_EQ(pod->end.limit, plain->end.limit);
    EXPECT_EQ(pod->end.changes >= 0, plain->end.changes >= 0);
  }

  inline static std::unique_ptr<SpawnerProcess> spawner_;
  inline static std::unique_ptr<Sandboxes> sandboxes_;
};

TEST_P(Differential, ABarePodDoesWhatPythonDoes) { compare(1); }
TEST_P(Differential, AFullPodDoesWhatPythonDoes) { compare(2); }

INSTANTIATE_TEST_SUITE_P(Programs, Differential, testing::ValuesIn(program_names()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace podium::sandbox
