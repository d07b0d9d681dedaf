#include <podium/plugin.hpp>
#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

using namespace podium::sdk;
using podium::sdk::testing::call;
using podium::sdk::testing::FakeHost;
using podium::sdk::testing::make_config;
using podium::sdk::testing::RecordingRun;
using podium::sdk::testing::RunSpec;
using podium::sdk::testing::RuntimeInstance;
using podium::sdk::testing::TempDir;

namespace {

/// Completes within start, which the contract allows.
class Immediate : public Runtime {
 public:
  Immediate(Host, const Options&) {}
  std::uint32_t max_concurrency() const noexcept override { return 3; }
  bool own_workspace() const noexcept override { return true; }

  void start(const RunView& run, const Callbacks& callbacks, podium_lease*& lease) override {
    lease = to_lease(new int(7));
    if (run.code() == "refuse") {
      delete from_lease<int>(lease);
      throw Error(PODIUM_UNAVAILABLE, "no shell is left");
    }
    callbacks.output(1, run.code());
    podium_completion completion = empty_completion();
    completion.exit_code = static_cast<std::int32_t>(run.arguments().size());
    callbacks.completed(completion);
  }
  void cancel(podium_lease*) noexcept override {}
  void release(podium_lease* lease) noexcept override { delete from_lease<int>(lease); }
};

/// Does what the code says: see execute.
class Scripted : public BlockingRuntime {
 public:
  Scripted(Host host, const Options&) : BlockingRuntime(host) {}

  int execute(const Request& request, Sink& sink) override {
    if (request.code == "throw") throw std::runtime_error("boom");
    if (request.code == "fail") throw Error(PODIUM_UNAVAILABLE, "no interpreter");
    if (request.code == "wait") {
      sink.out("waiting");
      while (!sink.should_stop()) std::this_thread::yield();
      return 3;
    }
    if (request.code == "flood") {
      for (int i = 0; i < 3; ++i) sink.out("0123456789");
      sink.err("e");
    }
    if (request.code == "signal") sink.signal(9);
    if (request.code == "usage") sink.used(1234, 4096);
    if (request.code == "files") {
      char text[16] = {};
      ssize_t n = ::pread(request.inputs.at(0).descriptor.get(), text, sizeof text, 0);
      sink.out(std::string_view(text, static_cast<std::size_t>(n)));
      Descriptor made(::openat(request.output.get(), "made", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
      if (!made) return 1;
    }
    if (request.code == "echo") {
      sink.out(request.id + request.language + request.source_name + request.standard_input);
      for (const auto* words :
           {&request.arguments, &request.compile, &request.command, &request.environment}) {
        for (const std::string& word : *words) sink.err(word + ";");
      }
    }
    return 3;
  }
};

/// One run of Scripted, driven as the host does.
class BlockingRun {
 public:
  BlockingRun() : runtime(host.raw(), make_config()) {}
  ~BlockingRun() {
    if (lease == nullptr) return;
    record.wait();
    runtime->release(runtime.self(), lease);
    host.join();
  }

  void start(const std::string& code) {
    spec.code = code;
    call(runtime->start, runtime.self(), spec.raw(), record.raw(), &lease);
  }
  podium_completion run(const std::string& code) {
    start(code);
    EXPECT_TRUE(record.wait());
    return record.completion();
  }

  FakeHost host;
  RuntimeInstance<Scripted> runtime;
  RunSpec spec;
  RecordingRun record;
  podium_lease* lease = nullptr;
};

}  // namespace

TEST(Runtime, TellsTheHostItsTraits) {
  FakeHost host;
  RuntimeInstance<Immediate> runtime(host.raw(), make_config());

  EXPECT_EQ(runtime->max_concurrency, 3u);
  EXPECT_TRUE(runtime->own_workspace);
}

TEST(Runtime, SetsTheLeaseBeforeACompletionThatComesWithinStart) {
  FakeHost host;
  RuntimeInstance<Immediate> runtime(host.raw(), make_config());
  RunSpec spec;
  spec.code = "hello";
  spec.arguments = {"a", "b"};
  struct Seen {
    podium_lease* lease = nullptr;
    podium_lease* at_completion = nullptr;
    std::string out;
    int exit_code = -1;
  } seen;
  podium_run_callbacks callbacks{sizeof(podium_run_callbacks),
                                 &seen,
                                 [](void* ctx, std::uint32_t, podium_bytes chunk) {
                                   static_cast<Seen*>(ctx)->out += view(chunk);
                                 },
                                 [](void* ctx, const podium_completion* completion) {
                                   auto* into = static_cast<Seen*>(ctx);
                                   into->at_completion = into->lease;
                                   into->exit_code = completion->exit_code;
                                 },
                                 nullptr,
                                 nullptr};

  call(runtime->start, runtime.self(), spec.raw(), &callbacks, &seen.lease);

  EXPECT_NE(seen.at_completion, nullptr);
  EXPECT_EQ(seen.at_completion, seen.lease);
  EXPECT_EQ(seen.out, "hello");
  EXPECT_EQ(seen.exit_code, 2);
  runtime->release(runtime.self(), seen.lease);
}

TEST(Runtime, LeavesNoLeaseWhenStartFails) {
  FakeHost host;
  RuntimeInstance<Immediate> runtime(host.raw(), make_config());
  RunSpec spec;
  spec.code = "refuse";
  RecordingRun record;
  podium_lease* lease = nullptr;
  podium_error err{};
  err.size = sizeof err;

  podium_code code = runtime->start(runtime.self(), spec.raw(), record.raw(), &lease, &err);

  EXPECT_EQ(code, PODIUM_UNAVAILABLE);
  EXPECT_STREQ(err.message, "no shell is left");
  EXPECT_EQ(lease, nullptr);
  EXPECT_EQ(record.completions(), 0);
}

TEST(BlockingRuntime, ReturnsTheExitCodeWithTimes) {
  BlockingRun run;

  podium_completion got = run.run("exit");

  EXPECT_EQ(got.code, static_cast<std::uint32_t>(PODIUM_OK));
  EXPECT_EQ(got.exit_code, 3);
  EXPECT_GE(got.wall_us, 0);
  EXPECT_GE(got.start_us, 0);
  EXPECT_EQ(run.record.completions(), 1);
  EXPECT_FALSE(run.record.broke_rules());
}

TEST(BlockingRuntime, HandsEverythingOfTheRunToExecute) {
  BlockingRun run;
  run.spec.standard_input = "in";
  run.spec.arguments = {"a"};
  run.spec.compile = {"cc"};
  run.spec.command = {"sh"};
  run.spec.environment = {"K=v"};

  run.run("echo");

  EXPECT_EQ(run.record.out(), "r00000000000000000001pymain.pyin");
  EXPECT_EQ(run.record.err(), "a;cc;sh;K=v;");
}

TEST(BlockingRuntime, KeepsDescriptorsThatTheHostClosesAfterStart) {
  BlockingRun run;
  TempDir dir;
  Descriptor output(::open(dir.path().c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  Descriptor input(::open((dir.path() / "in").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(input.get(), "content", 7), 7);
  run.spec.output = output.get();
  run.spec.inputs = {{"in", input.get(), true}};

  run.start("files");
  output.reset();
  input.reset();
  ASSERT_TRUE(run.record.wait());

  EXPECT_EQ(run.record.out(), "content");
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "made"));
}

TEST(BlockingRuntime, ReportsAnErrorAsTheRuntimesFailure) {
  BlockingRun run;

  podium_completion got = run.run("fail");

  EXPECT_EQ(got.code, static_cast<std::uint32_t>(PODIUM_UNAVAILABLE));
  EXPECT_EQ(run.record.message(), "no interpreter");
  EXPECT_EQ(got.exit_code, -1);
}

TEST(BlockingRuntime, CompletesOnceWhenExecuteThrows) {
  BlockingRun run;

  podium_completion got = run.run("throw");

  EXPECT_EQ(got.code, static_cast<std::uint32_t>(PODIUM_INTERNAL));
  EXPECT_EQ(run.record.message(), "boom");
  EXPECT_EQ(run.record.completions(), 1);
}

TEST(BlockingRuntime, EndsSoonAfterCancelAndSaysSo) {
  BlockingRun run;
  run.start("wait");
  ASSERT_TRUE(run.record.wait_for_output("waiting"));

  run.runtime->cancel(run.runtime.self(), run.lease);
  run.runtime->cancel(run.runtime.self(), run.lease);

  ASSERT_TRUE(run.record.wait());
  EXPECT_EQ(run.record.completion().code, static_cast<std::uint32_t>(PODIUM_CANCELLED));
  EXPECT_EQ(run.record.completion().exit_code, -1);
  run.runtime->cancel(run.runtime.self(), run.lease);
  EXPECT_EQ(run.record.completions(), 1);
}

TEST(BlockingRuntime, NamesTheWallLimitWhenItStopsForTheDeadline) {
  BlockingRun run;
  run.spec.limits.wall_ms = 20;

  podium_completion got = run.run("wait");

  EXPECT_EQ(got.code, static_cast<std::uint32_t>(PODIUM_OK));
  EXPECT_EQ(got.limit, static_cast<std::uint32_t>(PODIUM_LIMIT_WALL));
  EXPECT_EQ(got.exit_code, -1);
}

TEST(BlockingRuntime, CutsEachStreamAtTheOutputLimitAndNamesIt) {
  BlockingRun run;
  run.spec.limits.output_bytes = 15;

  podium_completion got = run.run("flood");

  EXPECT_EQ(run.record.out(), "012345678901234");
  EXPECT_EQ(run.record.err(), "e");
  EXPECT_EQ(got.limit, static_cast<std::uint32_t>(PODIUM_LIMIT_OUTPUT));
  EXPECT_EQ(got.exit_code, 3);
}

TEST(BlockingRuntime, ReportsASignalInsteadOfAnExitCode) {
  BlockingRun run;

  podium_completion got = run.run("signal");

  EXPECT_EQ(got.signal, 9);
  EXPECT_EQ(got.exit_code, -1);
}

TEST(BlockingRuntime, PassesOnWhatTheProgramUsed) {
  BlockingRun run;

  podium_completion got = run.run("usage");

  EXPECT_EQ(got.cpu_us, 1234);
  EXPECT_EQ(got.memory_peak, 4096u);
}

TEST(BlockingRuntime, FailsToStartWhenTheHostTakesNoTask) {
  BlockingRun run;
  run.host.refuse_tasks("the pool is closed");

  EXPECT_THROW(run.start("exit"), Error);

  EXPECT_EQ(run.lease, nullptr);
  EXPECT_EQ(run.record.completions(), 0);
}

TEST(Sink, SerialisesThreadsThatWriteAtOnce) {
  RecordingRun record;
  Sink sink(Callbacks(record.raw()), podium::sdk::testing::ample_limits());

  std::thread out([&] {
    for (int i = 0; i < 1000; ++i) sink.out("o");
  });
  std::thread err([&] {
    for (int i = 0; i < 1000; ++i) sink.err("e");
  });
  out.join();
  err.join();

  EXPECT_EQ(record.out().size() + record.err().size(), 2000u);
  EXPECT_FALSE(record.broke_rules());
}
