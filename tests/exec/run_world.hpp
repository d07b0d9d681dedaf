#pragma once
/// Runs on the runtime of fakes.hpp, and what their programs leave behind.

#include <fcntl.h>

#include "exec/world.hpp"

namespace podium::test {

class RunWorld : public World {
 protected:
  std::shared_ptr<RunControl> control = std::make_shared<RunControl>(io);

  FakeRun& last() { return *runtime->runs.back(); }
  /// Programs run until the test ends them.
  void let_programs_run() {
    runtime->behaviour = [](FakeRun&) {};
  }
  /// Programs end with what lies in `changes` and `merged`.
  void let_programs_leave_files() {
    std::filesystem::create_directories(dir / "changes");
    std::filesystem::create_directories(dir / "merged");
    changes.reset(::open((dir / "changes").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    merged.reset(::open((dir / "merged").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    runtime->behaviour = [this](FakeRun& run) {
      Completion completion;
      completion.exit_code = 0;
      completion.changes = changes.get();
      completion.merged = merged.get();
      run.complete(std::move(completion));
    };
  }
  void wait_for_start(std::size_t runs = 1) {
    until([&] { return runtime->runs.size() == runs; });
  }
  static std::vector<std::string> names(const std::vector<ResultFile>& files) {
    std::vector<std::string> all;
    for (const ResultFile& file : files) all.push_back(file.name);
    return all;
  }

  UniqueFd changes, merged;
};

}  // namespace podium::test
