#include "plugin/instance_host.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "plugins/workshop.hpp"

using namespace podium;
using podium::test::Workshop;

namespace {

template <class T>
const T* extension(const InstanceHost& host, const char* id) {
  return static_cast<const T*>(host.abi()->get_extension(host.abi()->ctx, id));
}

}  // namespace

TEST(InstanceHost, LogsWithTheInstancesNameAndWithoutForgedLines) {
  Workshop workshop;
  InstanceHost host("pods", workshop.services());
  std::string message = "evil\nline \xff";

  host.abi()->log(host.abi()->ctx, PODIUM_WARNING, {message.data(), message.size()});
  host.abi()->log(host.abi()->ctx, 99, {"unknown level", 13});

  std::string text = workshop.log.text();
  EXPECT_NE(text.find("pods"), std::string::npos);
  EXPECT_EQ(text.find("evil\nline"), std::string::npos);
  EXPECT_NE(text.find("unknown level"), std::string::npos);
}

TEST(InstanceHost, OffersOnlyWhatTheDaemonLends) {
  Workshop workshop;
  HostServices none{workshop.log.log(), nullptr, nullptr};
  InstanceHost bare("bare", none), full("full", workshop.services());

  EXPECT_EQ(extension<podium_executor>(bare, PODIUM_EXT_EXECUTOR), nullptr);
  EXPECT_EQ(extension<podium_sandbox>(bare, PODIUM_EXT_SANDBOX), nullptr);
  EXPECT_NE(extension<podium_executor>(full, PODIUM_EXT_EXECUTOR), nullptr);
  EXPECT_EQ(extension<void>(full, "podium.unknown/1"), nullptr);
}

TEST(InstanceHost, WaitsForPostedTasksBeforeItEnds) {
  Workshop workshop;
  std::promise<void> go;
  struct Task {
    std::shared_future<void> go;
    std::atomic<bool> ended{false};
  } task{go.get_future().share()};
  auto host = std::make_unique<InstanceHost>("pods", workshop.services());
  const auto* executor = extension<podium_executor>(*host, PODIUM_EXT_EXECUTOR);

  auto run = [](void* arg) {
    auto* self = static_cast<Task*>(arg);
    self->go.wait();
    self->ended = true;
  };
  ASSERT_EQ(executor->post(executor->ctx, run, &task, nullptr), PODIUM_OK);
  std::thread releaser([&] { go.set_value(); });
  host.reset();

  EXPECT_TRUE(task.ended);
  releaser.join();
}

TEST(InstanceHost, LogsATaskThatLetsAnExceptionOut) {
  Workshop workshop;
  {
    InstanceHost host("pods", workshop.services());
    const auto* executor = extension<podium_executor>(host, PODIUM_EXT_EXECUTOR);
    executor->post(
        executor->ctx, [](void*) { throw std::runtime_error("boom"); }, nullptr, nullptr);
  }

  EXPECT_TRUE(workshop.log.has("a posted task let an exception out"));
}

TEST(InstanceHost, TellsAPluginThatThePoolRefuses) {
  Workshop workshop;
  HostServices services{workshop.log.log(),
                        [](std::function<void()>) -> void {
                          throw Failure(Code::kUnavailable, "the pool is closed");
                        },
                        nullptr};
  InstanceHost host("pods", services);
  const auto* executor = extension<podium_executor>(host, PODIUM_EXT_EXECUTOR);
  podium_error err{};
  err.size = sizeof err;

  EXPECT_EQ(executor->post(
                executor->ctx, [](void*) {}, nullptr, &err),
            PODIUM_UNAVAILABLE);
  EXPECT_STREQ(err.message, "the pool is closed");
  EXPECT_EQ(executor->post(executor->ctx, nullptr, nullptr, &err), PODIUM_INVALID_ARGUMENT);
}

TEST(InstanceHost, HandsConnectionsToTheSpawnerOver) {
  Workshop workshop;
  int made = -1;
  HostServices services = workshop.services();
  services.connect_sandbox = [&] {
    made = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return UniqueFd(made);
  };
  InstanceHost host("jobs", services);
  const auto* sandbox = extension<podium_sandbox>(host, PODIUM_EXT_SANDBOX);
  int descriptor = -1;

  ASSERT_EQ(sandbox->connect(sandbox->ctx, &descriptor, nullptr), PODIUM_OK);

  EXPECT_EQ(descriptor, made);
  EXPECT_NE(::fcntl(descriptor, F_GETFD), -1);
  ::close(descriptor);
}

TEST(InstanceHost, SaysWhyThereIsNoConnectionToTheSpawner) {
  Workshop workshop;
  HostServices services = workshop.services();
  services.connect_sandbox = []() -> UniqueFd {
    throw Failure(Code::kUnavailable, "the spawner restarts");
  };
  InstanceHost host("jobs", services);
  const auto* sandbox = extension<podium_sandbox>(host, PODIUM_EXT_SANDBOX);
  int descriptor = -1;
  podium_error err{};
  err.size = sizeof err;

  EXPECT_EQ(sandbox->connect(sandbox->ctx, &descriptor, &err), PODIUM_UNAVAILABLE);
  EXPECT_STREQ(err.message, "the spawner restarts");
}

namespace {

/// A watcher that is asked by hand.
struct OneWatch final : DescriptorWatcher {
  struct Handle final : Watch {
    explicit Handle(bool& watched) : watched_(watched) {}
    ~Handle() override { watched_ = false; }
    bool& watched_;
  };
  std::unique_ptr<Watch> watch(UniqueFd fd, std::function<void()> when_ready,
                               std::function<void()> when_ended) override {
    descriptor = std::move(fd);
    ready = std::move(when_ready);
    ended = std::move(when_ended);
    watched = true;
    return std::make_unique<Handle>(watched);
  }
  UniqueFd descriptor;
  std::function<void()> ready, ended;
  bool watched = false;
};

}  // namespace

TEST(InstanceHost, LendsTheIoThreadAndTakesItBack) {
  Workshop workshop;
  OneWatch watcher;
  HostServices services = workshop.services();
  InstanceHost none("none", services);
  EXPECT_EQ(extension<podium_io_thread>(none, PODIUM_EXT_IO_THREAD), nullptr);
  services.watcher = &watcher;
  int calls = 0;
  {
    InstanceHost host("pods", services);
    const auto* thread = extension<podium_io_thread>(host, PODIUM_EXT_IO_THREAD);
    ASSERT_NE(thread, nullptr);
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    podium_watch *first = nullptr, *forgotten = nullptr;
    const auto count = [](void* arg) { ++*static_cast<int*>(arg); };
    const auto boom = [](void*) { throw std::runtime_error("boom"); };

    ASSERT_EQ(thread->watch(thread->ctx, file.get(), count, boom, &calls, &first, nullptr),
              PODIUM_OK);
    EXPECT_NE(watcher.descriptor.get(), file.get()) << "it is the plugin's to close";
    watcher.ready();
    watcher.ended();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(workshop.log.has("ended of a watch let an exception out"));
    thread->unwatch(thread->ctx, first);
    EXPECT_FALSE(watcher.watched);
    thread->unwatch(thread->ctx, first);  // against the ABI, and harmless

    ASSERT_EQ(thread->watch(thread->ctx, file.get(), count, count, &calls, &forgotten, nullptr),
              PODIUM_OK);
    EXPECT_TRUE(watcher.watched);
  }
  EXPECT_FALSE(watcher.watched) << "what an instance forgets ends with it";
}

TEST(InstanceHost, RefusesToWatchWhatIsNoDescriptor) {
  Workshop workshop;
  OneWatch watcher;
  HostServices services = workshop.services();
  services.watcher = &watcher;
  InstanceHost host("pods", services);
  const auto* thread = extension<podium_io_thread>(host, PODIUM_EXT_IO_THREAD);
  const auto nothing = [](void*) {};
  podium_watch* watch = nullptr;
  podium_error err{};
  err.size = sizeof err;

  EXPECT_EQ(thread->watch(thread->ctx, 99'999, nothing, nothing, nullptr, &watch, &err),
            PODIUM_INVALID_ARGUMENT);
  EXPECT_NE(std::string(err.message).find("descriptor"), std::string::npos) << err.message;
  EXPECT_EQ(thread->watch(thread->ctx, 0, nullptr, nothing, nullptr, &watch, &err),
            PODIUM_INVALID_ARGUMENT);
  EXPECT_FALSE(watcher.watched);
}
