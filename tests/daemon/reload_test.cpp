#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "base/sha256.hpp"
#include "daemon/control.hpp"
#include "daemon/reload.hpp"
#include "plugins/reloading.hpp"
#include "session/store.hpp"

using namespace podium;
using namespace std::chrono_literals;
using podium::test::Workshop;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

/// A daemon but for its sockets: what a reload works on, with a config file of the test's.
class Reloading : public ::testing::Test {
 protected:
  Reloading() {
    podium::test::add_test_plugins(workshop);
    workshop.add("tests/broken_plugins/hangs.so", "hangs");
    write(Json::object());
    (void)generation.exchange(reaper.adopt(builder.build(source().load(), nullptr)));
    reloader =
        std::make_unique<Reloader>(parts(std::filesystem::path(PODIUM_BUILD_DIR) / "bin/podiumd"));
    control = std::make_unique<AdminControl>(source(), *reloader, generation);
  }
  ~Reloading() override {
    std::filesystem::remove(gate());
    reloader->stop();
    // A plugin that hung uses the builder until it has returned.
    while (reloader->hangs()) std::this_thread::yield();
    (void)generation.exchange(nullptr);
  }

  ReloadParts parts(std::filesystem::path program) {
    return {source(), std::move(program), builder, reaper, generation,
            accounts, workshop.log.log(), metrics};
  }
  std::filesystem::path gate() const { return workshop.dir.path() / "gate"; }
  ConfigSource source() const { return {workshop.dir.path() / "podium.json", {}, {}}; }

  /// The test plugins, and `more` on top.
  Json document(const Json& more) const {
    Json json = podium::test::test_config(workshop, podium::test::test_plugins("a"));
    json.set("reload_timeout", "20s");
    for (const auto& [key, value] : more.members()) json.set(key, value);
    return json;
  }
  void write(const Json& more) { workshop.write("podium.json", json_dump(document(more))); }
  void write_with_plugin(const std::string& name, const Json& plugin, const char* timeout) {
    Json json = document(Json::object({{"reload_timeout", timeout}}));
    Json plugins = *json.find("plugins");
    plugins.set(name, plugin);
    json.set("plugins", std::move(plugins));
    workshop.write("podium.json", json_dump(json));
  }

  ReloadReport reload() { return podium::test::reload_by(*reloader); }
  /// The plugin that hangs while the gate is there: 1 in the pre-flight, 2 in create, 3 in destroy.
  Json hanging(int where) const {
    return Json::object({{"library", "hangs"},
                         {"options", Json::object({{"name", gate().string()}, {"count", where}})}});
  }

  Workshop workshop;
  SessionStore sessions{workshop.dir.path() / "podium.db"};
  Snapshot<KeyRing> keys;
  Accounts accounts{sessions, keys, workshop.log.log()};
  Metrics metrics;
  GenerationBuilder builder{workshop.services()};
  Reaper reaper{workshop.log.log()};
  Snapshot<Generation> generation;
  std::unique_ptr<Reloader> reloader;
  std::unique_ptr<AdminControl> control;
};

}  // namespace

TEST_F(Reloading, TakesAChangeOverAndSaysWhichValuesChanged) {
  write(Json::object({{"limits", Json::object({{"wall", "7s"}})}}));

  const ReloadReport report = reload();

  EXPECT_EQ(report.result, Metrics::Reload::kOk) << report.reason;
  EXPECT_EQ(report.generation, 2u);
  ASSERT_EQ(report.changes.size(), 1u);
  EXPECT_EQ(report.changes[0].key, "/limits/wall");
  EXPECT_EQ(generation.get()->config().languages.front().limits.wall, 7s);
}

TEST_F(Reloading, OfAnUnchangedFileSharesEveryInstanceAndStartsNoChild) {
  const auto before = generation.get();
  Reloader without_child(parts("/bin/false"));  // a pre-flight would fail
  std::promise<ReloadReport> done;

  without_child.request([&](const ReloadReport& made) { done.set_value(made); });
  const ReloadReport report = done.get_future().get();

  EXPECT_EQ(report.result, Metrics::Reload::kOk) << report.reason;
  EXPECT_THAT(report.changes, IsEmpty());
  EXPECT_EQ(generation.get()->instances(), before->instances());
}

TEST_F(Reloading, RefusesABadFileAndKeepsWhatIsAtWork) {
  workshop.write("podium.json", "{\"limits\": {\"memry\": \"1GiB\"}}");

  const ReloadReport report = reload();

  EXPECT_EQ(report.result, Metrics::Reload::kRefused);
  EXPECT_THAT(report.reason, AllOf(HasSubstr("/limits/memry"), HasSubstr("memory")));
  EXPECT_EQ(generation.get()->number(), 1u);
  EXPECT_TRUE(workshop.log.has("reload refused"));
}

TEST_F(Reloading, KillsAPreflightInWhichAPluginHangs) {
  workshop.write("gate", "");
  write_with_plugin("bad", hanging(1), "1s");

  const ReloadReport report = reload();

  EXPECT_EQ(report.result, Metrics::Reload::kRefused);
  EXPECT_THAT(report.reason, HasSubstr("the pre-flight, which opens the plugins: it did not end"));
  EXPECT_FALSE(reloader->hangs());
}

TEST_F(Reloading, AbandonsACreateThatHangsAndGoesOnReloading) {
  workshop.write("gate", "");
  write_with_plugin("bad", hanging(2), "1s");

  const ReloadReport hung = reload();
  const bool hangs = reloader->hangs();
  write(Json::object({{"limits", Json::object({{"wall", "9s"}})}}));
  const ReloadReport after = reload();
  write_with_plugin("bad", hanging(2), "1s");
  const ReloadReport again = reload();

  EXPECT_EQ(hung.result, Metrics::Reload::kAbandoned);
  EXPECT_THAT(hung.reason, AllOf(HasSubstr("did not end within 1s"), HasSubstr("hangs.so hangs")));
  EXPECT_EQ(hung.generation, 1u);
  EXPECT_TRUE(hangs);
  EXPECT_EQ(after.result, Metrics::Reload::kOk) << after.reason;
  EXPECT_EQ(generation.get()->config().languages.front().limits.wall, 9s);
  EXPECT_EQ(again.result, Metrics::Reload::kRefused);
  EXPECT_THAT(again.reason, HasSubstr("an earlier call into "));
  EXPECT_TRUE(workshop.log.has("reload abandoned"));
}

TEST_F(Reloading, TellsOfAnOldGenerationWhosePluginDoesNotEnd) {
  write_with_plugin("slow", hanging(3), "20s");
  ASSERT_EQ(reload().result, Metrics::Reload::kOk);
  workshop.write("gate", "");

  write(Json::object());
  ASSERT_EQ(reload().result, Metrics::Reload::kOk);
  while (reaper.left().empty() || !reaper.left().back().ending) std::this_thread::yield();
  const std::vector<Reaper::Left> left = reaper.left();
  const bool ended_early = reaper.wait(10ms);
  std::filesystem::remove(gate());

  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].number, 2u);
  EXPECT_FALSE(ended_early);
  EXPECT_TRUE(reaper.wait(20s));
  EXPECT_THAT(reaper.left(), IsEmpty());
}

TEST_F(Reloading, ServesRequestsThatComeTogetherByOneReload) {
  std::vector<std::promise<ReloadReport>> reports(20);
  workshop.write("gate", "");
  write_with_plugin("bad", hanging(2), "20s");
  reloader->request([&](const ReloadReport& made) { reports[0].set_value(made); });
  while (!reloader->hangs()) std::this_thread::yield();

  for (std::size_t i = 1; i < reports.size(); ++i) {
    reloader->request([&reports, i](const ReloadReport& made) { reports[i].set_value(made); });
  }
  std::filesystem::remove(gate());

  EXPECT_EQ(reports[0].get_future().get().generation, 2u);
  for (std::size_t i = 1; i < reports.size(); ++i) {
    EXPECT_EQ(reports[i].get_future().get().generation, 3u);
  }
}

TEST_F(Reloading, ComparesWhatNeedsARestartWithTheStart) {
  write(Json::object({{"listen", Json::object({{"port", 4711}})}}));
  ASSERT_EQ(reload().result, Metrics::Reload::kOk);

  const Json difference = control->difference(nullptr);

  const Json& change = difference.find("changes")->items().at(0);
  EXPECT_EQ(json_dump(change),
            R"({"key":"/listen/port","from":8000,"to":4711,"needs_restart":true})");
  EXPECT_TRUE(difference.find("needs_restart")->boolean());
}

TEST_F(Reloading, TellsWhatATextWouldChangeAndChangesNothing) {
  const std::string text =
      json_dump(document(Json::object({{"log", Json::object({{"level", "debug"}})}})));

  const Json difference = control->difference(&text);

  EXPECT_EQ(json_dump(*difference.find("changes")),
            R"([{"key":"/log/level","from":"info","to":"debug","needs_restart":false}])");
  EXPECT_EQ(generation.get()->number(), 1u);
  const std::string bad = "{\"log\": {\"level\": \"loud\"}}";
  EXPECT_THROW(control->difference(&bad), Failure);
}

TEST_F(Reloading, GivesTheAdministratorTheReasonOfARefusal) {
  workshop.write("podium.json", "{");
  std::promise<DaemonControl::Outcome> outcome;

  control->reload([&](DaemonControl::Outcome made) { outcome.set_value(std::move(made)); });
  const DaemonControl::Outcome made = outcome.get_future().get();

  EXPECT_EQ(made.status, 422);
  EXPECT_EQ(made.body.find("result")->string(), "refused");
  EXPECT_THAT(made.body.find("error")->string(), HasSubstr("podium.json"));
}
