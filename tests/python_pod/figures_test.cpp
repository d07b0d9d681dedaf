// Figures that a program shows or leaves open become files of its answer.

#include <algorithm>

#include "pod_fixture.hpp"

namespace podium::sandbox {
namespace {

/// One pool of pods with matplotlib for all tests: its zygote takes seconds to import.
class PodFigures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) GTEST_FAIL() << "the pod tests need root";
    spawner_ = std::make_unique<SpawnerProcess>();
    sandboxes_ = std::make_unique<Sandboxes>(
        spawner_->host(), std::vector{small_pool(1, "numpy,pandas,matplotlib"), small_pool(1)});
  }
  static void TearDownTestSuite() {
    sandboxes_.reset();
    spawner_.reset();
  }

  /// Names of the files that the program left, in order; what is no PNG is marked.
  static std::vector<std::string> files(const std::string& code, std::size_t pool = 0) {
    Recorded run;
    Program program = pod_program(code);
    program.limits.wall_ms = 60'000;  // a cold import of matplotlib builds its list of fonts
    run.start(*sandboxes_, program, pool);
    run.wait();
    EXPECT_EQ(run.end.exit_code, 0) << run.err;
    EXPECT_EQ(run.err, "");
    std::vector<std::string> names;
    if (run.end.changes < 0) return names;
    const std::string folder = "/proc/self/fd/" + std::to_string(run.end.changes);
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::string head(4, ' ');
      std::ifstream(entry.path(), std::ios::binary).read(head.data(), 4);
      names.push_back(entry.path().filename().string() + (head == "\x89PNG" ? "" : " (no PNG)"));
    }
    std::ranges::sort(names);
    return names;
  }

  inline static std::unique_ptr<SpawnerProcess> spawner_;
  inline static std::unique_ptr<Sandboxes> sandboxes_;
};

using Names = std::vector<std::string>;
const std::string kImport = "import matplotlib.pyplot as plt\n";

TEST_F(PodFigures, WritesWhatIsShownEachTime) {
  EXPECT_EQ(files(kImport + "plt.plot([1, 2])\nplt.show()\nplt.plot([3, 1])\nplt.show()"),
            (Names{"figure_1.png", "figure_2.png"}));
}

TEST_F(PodFigures, WritesWhatIsLeftOpen) {
  EXPECT_EQ(files(kImport + "plt.figure()\nplt.figure()\nplt.plot([1, 2])"),
            (Names{"figure_1.png", "figure_2.png"}));
}

TEST_F(PodFigures, DoesNotWriteAgainWhatTheProgramSavedItself) {
  EXPECT_EQ(files(kImport + "plt.plot([1, 2])\nplt.savefig('mine.png')\nplt.show()"),
            (Names{"mine.png"}));
}

TEST_F(PodFigures, WritesAgainWhatWasDrawnOnSinceItWasSaved) {
  EXPECT_EQ(files(kImport + "plt.plot([1, 2])\nplt.savefig('mine.png')\nplt.plot([5])"),
            (Names{"figure_1.png", "mine.png"}));
}

TEST_F(PodFigures, OverwritesNoFileOfTheProgram) {
  EXPECT_EQ(files(kImport + "open('figure_1.png', 'w').write('x')\nplt.plot([1])\nplt.show()"),
            (Names{"figure_1.png (no PNG)", "figure_2.png"}));
}

TEST_F(PodFigures, WritesNoneWithoutAFigure) {
  EXPECT_EQ(files(kImport + "plt.figure()\nplt.close('all')\nplt.show()"), Names{});
}

TEST_F(PodFigures, WritesThoseOfAProgramThatImportsMatplotlibItself) {
  EXPECT_EQ(files(kImport + "plt.plot([1, 2])", 1), (Names{"figure_1.png"}));
}

}  // namespace
}  // namespace podium::sandbox
