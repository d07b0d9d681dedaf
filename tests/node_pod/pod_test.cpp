#include <sys/stat.h>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <limits>
#include <thread>

#include "node_fixture.hpp"
#include "python_pod/pod_fixture.hpp"
#include "suits.hpp"

namespace podium::sandbox {
namespace {

class NodePod : public PodTest {
 protected:
  /// Threads of node have names of their own; the process of a pod is called so.
  std::vector<pid_t> nodes() const {
    std::vector<pid_t> found;
    const Family family = Family::of(spawner_->pid());
    for (const auto& p : all_processes()) {
      if (p.name == "node" && std::ranges::find(family.inits, p.parent) != family.inits.end()) {
        found.push_back(p.pid);
      }
    }
    return found;
  }
};

TEST_F(NodePod, PrintsAndEndsWithZeroAndSaysThatItWasWarm) {
  make({node_pool(1, 1)});
  ASSERT_TRUE(full());

  const auto run = this->run(node_program("console.log(1)"));

  EXPECT_EQ(run->end.code, PODIUM_OK) << run->message;
  EXPECT_EQ(run->out, "1\n");
  EXPECT_EQ(run->err, "");
  EXPECT_EQ(run->end.exit_code, 0);
  EXPECT_EQ(run->end.warm, 1u);
  EXPECT_EQ(sandboxes_->state(0).hits, 1u);
}

TEST_F(NodePod, IsUsedOnce) {
  make({node_pool(1, 1)});
  const std::string code =
      "const fs = require('fs'); console.log(globalThis.seen, fs.existsSync('/tmp/seen'));"
      "globalThis.seen = 1; fs.writeFileSync('/tmp/seen', ''); fs.writeFileSync('/mnt/data/x', '');"
      "Array.prototype.map = null;";

  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run(node_program(code))->out, "undefined false\n");
  }
}

TEST_F(NodePod, SeesItsInputsAndLeavesItsFiles) {
  make({node_pool(1, 1)});
  Program program = node_program(
      "const fs = require('fs'); console.log(fs.readFileSync('in.txt', 'utf8'), require('./m')());"
      "fs.writeFileSync('out.txt', 'made');");
  program.code.replace(program.code.find("./m"), 3, "/mnt/data/m.js");
  program.workspace_id = "bbbbbbbbbbbbbbbbbbbbb";
  const std::string folder = spawner_->runs() + "/" + program.workspace_id;
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/in.txt") << "given";
  std::ofstream(folder + "/m.js") << "module.exports = () => 'own module';";

  const auto run = this->run(program);

  EXPECT_EQ(run->out, "given own module\n") << run->err;
  EXPECT_GE(run->end.changes, 0);
}

TEST_F(NodePod, KeepsTheLimitsOfItsRun) {
  make({node_pool(1, 1)});
  Program memory = node_program("const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));");
  memory.limits.memory_bytes = 200u << 20;
  Program wall = node_program("for (;;);");
  wall.limits.wall_ms = 300;
  Program output = node_program("for (;;) require('fs').writeSync(1, 'x'.repeat(1000));");
  output.limits.output_bytes = 10'000;
  Program file = node_program("require('fs').writeFileSync('big', Buffer.alloc(1 << 20))");
  file.limits.file_bytes = 4096;

  EXPECT_EQ(run(memory)->end.limit, PODIUM_LIMIT_MEMORY);
  EXPECT_EQ(run(wall)->end.limit, PODIUM_LIMIT_WALL);
  EXPECT_EQ(run(output)->end.limit, PODIUM_LIMIT_OUTPUT);
  EXPECT_EQ(run(file)->end.limit, PODIUM_LIMIT_DISK);
}

TEST_F(NodePod, CountsNoneOfTheTimeItTookToBeginToWait) {
  PoolOptions job;
  job.limits = kFirstLimits;
  make({job, node_pool(1, 1)});
  // User and kernel time together: the kernel tells the one from the other by ticks, and only their
  // sum by the clock.
  const Program busy = node_program(
      "const used = () => { const u = process.cpuUsage(); return u.user + u.system; };"
      "const start = used(); while (used() - start < 20000);");
  const Program empty = node_program("");

  // The least of several: a machine that stalls in between adds to what it is said to have used.
  std::int64_t cold = std::numeric_limits<std::int64_t>::max(), warm = cold;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(full(1));
    EXPECT_GE(run(busy, 1)->end.cpu_us, 20'000) << "the program's own time";
    ASSERT_TRUE(full(1));
    warm = std::min(warm, std::int64_t{run(empty, 1)->end.cpu_us});
    cold = std::min(cold, std::int64_t{run(empty, 0)->end.cpu_us});
  }

  RecordProperty("warm_us", std::to_string(warm));
  RecordProperty("cold_us", std::to_string(cold));
  EXPECT_LT(2 * warm, cold) << "which has node's start in it";
}

TEST_F(NodePod, IsReplacedWhenItIsKilledWhileItWaits) {
  make({node_pool(1, 1)});
  ASSERT_TRUE(full());
  std::vector<pid_t> waiting;
  ASSERT_TRUE(eventually([&] { return !(waiting = nodes()).empty(); }));

  ::kill(waiting.front(), SIGKILL);

  EXPECT_TRUE(eventually([&] { return sandboxes_->state(0).deaths == 1; }));
  EXPECT_EQ(run(node_program("console.log('another')"))->out, "another\n");
}

TEST_F(NodePod, ThatFindsTheSocketCanEndOnlyItsOwnRun) {
  make({node_pool(1, 1)});
  // kDone with 5, then nonsense; and only nonsense, after which its death tells.
  const auto done = run(node_program(
      "const b = Buffer.alloc(8); b.writeInt32LE(7, 0); b.writeInt32LE(5, 4);"
      "require('fs').writeSync(3, b); require('fs').writeSync(3, 'x'.repeat(5000)); for (;;);"));
  const auto nonsense = run(node_program("require('fs').writeSync(3, 'abc'); process.exit(6);"));
  const auto closed = run(node_program("require('fs').closeSync(3); process.exitCode = 4;"));

  EXPECT_EQ(done->end.exit_code, 5);
  EXPECT_EQ(nonsense->end.exit_code, 6);
  EXPECT_EQ(closed->end.exit_code, 4);
}

TEST_F(NodePod, WritesNothingIntoWhatAProgramOpensInPlaceOfTheSocket) {
  make({node_pool(1, 1)});

  const auto done =
      run(node_program("const fs = require('fs'); fs.closeSync(3);"
                       "console.log(fs.openSync('mine', 'w')); process.exit(2);"));

  ASSERT_EQ(done->out, "3\n") << done->err;
  EXPECT_EQ(done->end.exit_code, 2);
  struct stat info {};
  ASSERT_GE(done->end.changes, 0);
  ASSERT_EQ(::fstatat(done->end.changes, "mine", &info, 0), 0);
  EXPECT_EQ(info.st_size, 0);
}

TEST_F(NodePod, LeavesThePoolOutWhereNodeIsNotInstalledAndSaysSo) {
  PoolOptions pool = node_pool(1, 1);
  pool.ahead.interpreter = "/usr/bin/no-such-node";
  make({pool});

  EXPECT_FALSE(sandboxes_->usable(0));
  EXPECT_TRUE(sandboxes_->state(0).left_out);
  EXPECT_TRUE(logged("pool node is left out: /usr/bin/no-such-node: No such file or directory"));
  EXPECT_EQ(run(node_program("1"))->end.code, PODIUM_UNAVAILABLE);
}

TEST_F(NodePod, TakesThePoolInWhenNodeIsInstalledAndReplacesWhatWaitsWhenItChanges) {
  const std::string link = "/tmp/podium-node-" + std::to_string(::getpid());
  const std::string version = link + "-version";
  PoolOptions pool = node_pool(1, 1);
  pool.ahead.interpreter = link;  // what is executed stays: only its place is played with
  pool.ahead.watched = {link, version};
  make({pool});
  ASSERT_FALSE(sandboxes_->usable(0));

  std::filesystem::create_symlink(kNode, link);
  EXPECT_TRUE(eventually([&] { return sandboxes_->state(0).available == 1; }));
  std::ofstream(version) << "2";

  EXPECT_TRUE(eventually([&] {
    const PoolState s = sandboxes_->state(0);
    return s.recycles == 1 && s.available == 1;
  }));
  std::filesystem::remove(link);
  std::filesystem::remove(version);
}

TEST_F(NodePod, AnswersManyAtOnceAndLeavesNothing) {
  make({node_pool(2, 4)});
  std::vector<std::unique_ptr<Recorded>> runs;
  for (int i = 0; i < 24; ++i) {
    runs.push_back(std::make_unique<Recorded>());
    runs.back()->start(*sandboxes_, node_program("console.log(" + std::to_string(i) + ")"), 0);
  }
  for (int i = 0; i < 24; ++i) {
    auto& run = *runs[static_cast<std::size_t>(i)];
    run.wait();
    EXPECT_EQ(run.out, std::to_string(i) + "\n") << run.message << run.err;
    run.release();
  }
  runs.clear();
  sandboxes_.reset();
  EXPECT_TRUE(eventually([&] { return Family::of(spawner_->pid()).inits.empty(); }));
}

// ---------------------------------------------------------------- which runs suit

struct Wanted {
  std::vector<std::string> command{kNode, "{source}"}, environment, compile;
  std::string source = "main.js", code = "1";
  std::uint64_t memory = 512u << 20, processes = 128;
};

std::string why(const std::function<void(Wanted&)>& change) {
  Wanted wanted;
  change(wanted);
  const auto bytes = [](const std::vector<std::string>& list) {
    std::vector<podium_bytes> all;
    for (const auto& text : list) all.push_back(sdk::bytes(text));
    return all;
  };
  const auto command = bytes(wanted.command), environment = bytes(wanted.environment),
             compile = bytes(wanted.compile);
  podium_limits limits{};
  limits.size = sizeof limits;
  limits.memory_bytes = wanted.memory;
  limits.processes = static_cast<decltype(limits.processes)>(wanted.processes);
  podium_run run{};
  run.size = sizeof run;
  run.code = sdk::bytes(wanted.code);
  run.source_name = sdk::bytes(wanted.source);
  run.command = command.data();
  run.command_count = static_cast<std::uint32_t>(command.size());
  run.environment = environment.data();
  run.environment_count = static_cast<std::uint32_t>(environment.size());
  run.compile = compile.data();
  run.compile_count = static_cast<std::uint32_t>(compile.size());
  run.limits = &limits;
  return node_pod::why_unsuited(sdk::RunView(&run), kNode).value_or("suits");
}

std::string why_with(std::vector<std::string> environment) {
  return why([&](Wanted& w) { w.environment = std::move(environment); });
}

TEST(NodeSuits, WhatANodeThatHasStartedDoesTheSame) {
  EXPECT_EQ(why([](Wanted&) {}), "suits");
  EXPECT_EQ(why_with({"NODE_PATH=/x", "NODE_ENV=test", "TZ=UTC", "LANG=C.UTF-8"}), "suits");
}

TEST(NodeSuits, NotWhatNodeObeysOnlyAtItsStart) {
  EXPECT_NE(why_with({"NODE_OPTIONS=--no-warnings"}).find("NODE_OPTIONS"), std::string::npos);
  EXPECT_NE(why_with({"LC_ALL=de_DE.UTF-8"}).find("LC_ALL"), std::string::npos);
  EXPECT_NE(why_with({"LD_PRELOAD=x"}).find("LD_PRELOAD"), std::string::npos);
  EXPECT_NE(why([](Wanted& w) { w.command = {kNode, "--no-warnings", "{source}"}; }), "suits");
  EXPECT_NE(why([](Wanted& w) { w.command = {"/usr/local/bin/node", "{source}"}; }), "suits");
  EXPECT_NE(why([](Wanted& w) { w.source = "main.mjs"; }), "suits");
  EXPECT_NE(why([](Wanted& w) { w.compile = {"tsc"}; }), "suits");
}

TEST(NodeSuits, NotWhatAWaitingNodeHasNoRoomFor) {
  EXPECT_NE(why([](Wanted& w) { w.code = std::string(kInlinePayload, ' '); }), "suits");
  EXPECT_NE(why([](Wanted& w) { w.memory = 64u << 20; }), "suits");
  EXPECT_NE(why([](Wanted& w) { w.processes = 8; }), "suits");
}

}  // namespace
}  // namespace podium::sandbox
