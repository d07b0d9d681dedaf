#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/reload.hpp"
#include "plugin/generations.hpp"
#include "plugins/reloading.hpp"
#include "session/store.hpp"

using namespace podium;
using namespace std::chrono_literals;
using podium::test::RecordingEvents;
using podium::test::Workshop;

namespace {

/// The reloader with a configuration of its own, whose plugins answer at once. Its pre-flight is a
/// child that finds nothing wrong, so that what is wrong with a plugin shows when it is made.
class ReloadUnderLoad : public ::testing::Test {
 protected:
  ReloadUnderLoad() {
    podium::test::add_test_plugins(workshop);
    write(plugins("start"));
    (void)current.exchange(reaper.adopt(builder.build(source().load(), nullptr)));
    reloader = std::make_unique<Reloader>(ReloadParts{
        source(), "/bin/true", builder, reaper, current, accounts, workshop.log.log(), metrics});
  }
  ~ReloadUnderLoad() override {
    reloader->stop();
    (void)current.exchange(nullptr);
  }

  ConfigSource source() const { return {workshop.dir.path() / "podium.json", {}, {}}; }

  static Json plugins(const std::string& tag) { return podium::test::test_plugins(tag); }
  void write(Json plugins) {
    Json json = podium::test::test_config(workshop, std::move(plugins));
    json.set("reload_timeout", "60s");
    workshop.write("podium.json", json_dump(json));
  }
  /// The n-th of 200: a good one and a bad one in turn, of two kinds each.
  void write_number(int n) {
    if (n % 4 == 0) return write(plugins("tag" + std::to_string(n)));
    if (n % 4 == 1) {
      workshop.write("podium.json", R"({"limits": {"wall": "5s",,}})");
      return;
    }
    if (n % 4 == 2) return write(plugins("tag" + std::to_string(n - 2)));  // everything is shared
    Json more = plugins("never at work");
    more.set("broken", Json::object({{"library", "missing"}}));
    write(std::move(more));
  }
  ReloadReport reload() { return podium::test::reload_by(*reloader); }

  Workshop workshop;
  SessionStore sessions{workshop.dir.path() / "podium.db"};
  Snapshot<KeyRing> keys;
  Accounts accounts{sessions, keys, workshop.log.log()};
  Metrics metrics;
  GenerationBuilder builder{workshop.services()};
  Reaper reaper{workshop.log.log()};
  Snapshot<Generation> current;
  std::unique_ptr<Reloader> reloader;
};

/// Asks as clients do, until `over`: whatever generation is at work answers by its own
/// configuration.
struct Clients {
  Clients(Snapshot<Generation>& current, int count) {
    for (int i = 0; i < count; ++i) threads.emplace_back([this, &current] { ask(current); });
  }
  void end() {
    over = true;
    for (std::thread& thread : threads) thread.join();
  }

  std::atomic<int> good{0}, wrong{0};

 private:
  void ask(Snapshot<Generation>& current) {
    while (!over) {
      const auto generation = current.get();
      RecordingEvents events;
      const auto lease =
          podium::test::runtime(*generation).start(podium::test::request("x"), events);
      const Completion completion = events.wait();
      const std::string& tag = generation->config().plugin("first")->options.find("tag")->string();
      (!completion.failure && events.out() == tag + "x" ? good : wrong)++;
      std::this_thread::sleep_for(5ms);  // a client's own pace
    }
  }

  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
};

}  // namespace

TEST_F(ReloadUnderLoad, DisturbsNoneOfFiftyClientsInTwoHundredGoodAndBadReloads) {
  Clients clients(current, 50);
  int good = 0, refused = 0;

  for (int i = 0; i < 200; ++i) {
    write_number(i);
    const ReloadReport report = reload();
    (report.result == Metrics::Reload::kOk ? good : refused)++;
    EXPECT_EQ(report.result == Metrics::Reload::kOk, i % 2 == 0) << i << ": " << report.reason;
  }
  clients.end();

  EXPECT_EQ(good, 100);
  EXPECT_EQ(refused, 100);
  EXPECT_EQ(clients.wrong, 0);
  EXPECT_GE(clients.good, 50);
  EXPECT_EQ(current.get()->number(), 101u);
  EXPECT_TRUE(reaper.wait(60s));
  EXPECT_TRUE(reaper.left().empty());
}
