#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>

#include "base/snapshot.hpp"
#include "plugin/generations.hpp"

using namespace podium;
using namespace podium::test;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

/// Ends on request.
class Watched : public Storage {
 public:
  Watched(std::string name, std::vector<std::string>& ends) : name_(std::move(name)), ends_(ends) {}
  ~Watched() override { ends_.push_back(name_); }
  const std::string& name() const noexcept override { return name_; }
  const std::string& plugin_id() const noexcept override { return name_; }
  Health check_health(milliseconds) noexcept override { return {}; }
  void collect_metrics(const std::function<void(const Metrics::Sample&)>&) override {}
  void put(const std::string&, Source&) override {}
  void get(const std::string&, Bytes, Bytes,
           const std::function<bool(std::string_view)>&) override {}
  std::optional<BlobInfo> head(const std::string&) override { return {}; }
  void list(const std::string&, const std::function<bool(const BlobInfo&)>&) override {}
  void remove(const std::string&) override {}
  bool has_local_files() const noexcept override { return false; }
  UniqueFd open_local(const std::string&) override { return {}; }
  bool adopt(const std::string&, int, Bytes, const std::string&) override { return false; }
  void sweep() override {}

 private:
  std::string name_;
  std::vector<std::string>& ends_;
};

}  // namespace

TEST(Generation, WiresLanguagesRoutesAndStorageByTheConfig) {
  Generations world;

  auto generation = world.build(world.config());

  EXPECT_EQ(generation->number(), 1u);
  ASSERT_EQ(generation->instances().size(), 4u);
  EXPECT_EQ(generation->instances()[2]->name(), "files");
  EXPECT_EQ(runtime(*generation, 0, 0).name(), "first");
  EXPECT_EQ(runtime(*generation, 0, 1).name(), "second");
  EXPECT_EQ(runtime(*generation, 1, 0).name(), "second");
  EXPECT_EQ(generation->storage().name(), "files");
  ASSERT_NE(generation->response("/exec"), nullptr);
  EXPECT_EQ(generation->response("/exec")->name(), "loud");
  EXPECT_EQ(generation->response("/upload"), nullptr);
  EXPECT_EQ(generation->response("/unknown"), nullptr);
}

TEST(Generation, KeepsTwoNamedInstancesOfOnePluginApart) {
  Generations world;
  auto generation = world.build(world.config("a", "b"));
  RecordingEvents first, second;

  auto one = runtime(*generation, 0, 0).start(request("x"), first);
  auto two = runtime(*generation, 0, 1).start(request("x"), second);
  first.wait();
  second.wait();

  EXPECT_EQ(first.out(), "ax");
  EXPECT_EQ(second.out(), "bx");
}

TEST(Generation, EndsItsInstancesLastToFirst) {
  std::vector<std::string> ends;
  Config config;
  config.storage = "c";
  std::vector<std::shared_ptr<Instance>> instances;
  for (const char* name : {"a", "b", "c"}) {
    instances.push_back(std::make_shared<Watched>(name, ends));
  }

  Generation::assemble(config, std::move(instances)).reset();

  EXPECT_EQ(ends, (std::vector<std::string>{"c", "b", "a"}));
}

TEST(Generation, KnowsOnlyTheLanguagesOfItsConfig) {
  Generations world;
  auto generation = world.build(world.config());
  LanguageConfig foreign;
  foreign.name = "cobol";

  EXPECT_EQ(code_of_failure([&] { generation->runtimes(foreign); }), Code::kInternal);
}

TEST(GenerationSwap, SharesAnInstanceWhoseLibraryAndOptionsAreUnchanged) {
  Generations world;
  auto old = world.build(world.config("a", "b"));

  auto next = world.build(world.config("a", "c"), old.get());

  EXPECT_EQ(next->number(), 2u);
  EXPECT_EQ(&runtime(*next, 0, 0), &runtime(*old, 0, 0));
  EXPECT_NE(&runtime(*next, 0, 1), &runtime(*old, 0, 1));
  EXPECT_EQ(&next->storage(), &old->storage());
  old.reset();
  EXPECT_TRUE(world.workshop.log.has("echo down b"));
  EXPECT_FALSE(world.workshop.log.has("echo down a"));
  EXPECT_FALSE(world.workshop.log.has("memory down"));
}

TEST(GenerationSwap, SharesAnInstanceWhoseOptionsAreOnlySpeltDifferently) {
  Generations world;
  Config config = world.config();
  auto old = world.build(config);

  config.plugins[0].options = Json::object({{"slots", 0}, {"tag", "a"}});
  auto next = world.build(config, old.get());

  EXPECT_EQ(&runtime(*next), &runtime(*old));
}

TEST(GenerationSwap, MakesAnInstanceAnewWhenOnlyItsSecretChanged) {
  Generations world;
  world.workshop.write("key", "old secret");
  Config config = world.config();
  Json from_file = Json::object({{"file", (world.workshop.dir.path() / "key").string()}});
  config.plugins[2].options = Json::object({{"key", from_file}});
  auto old = world.build(config);
  EXPECT_EQ(&world.build(config, old.get())->storage(), &old->storage());

  world.workshop.write("key", "new secret");
  auto next = world.build(config, old.get());

  EXPECT_NE(&next->storage(), &old->storage());
}

TEST(GenerationSwap, LetsARunInFlightFinishOnTheGenerationItBeganWith) {
  Generations world;
  Reaper reaper(world.workshop.log.log());
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  UniqueFd input(pipe[0]), writer(pipe[1]);
  Snapshot<Generation> current;
  (void)current.exchange(reaper.adopt(world.build(world.config("old"))));
  RecordingEvents events;
  RunRequest run = request("read");
  run.inputs = {{"in", input.get(), true}};
  auto held = current.get();
  auto lease = runtime(*held).start(run, events);
  events.wait_for_output("old");

  auto next = world.build(world.config("new"), held.get());
  (void)current.exchange(reaper.adopt(next));
  EXPECT_FALSE(world.workshop.log.has("echo down old"));
  ASSERT_EQ(::write(writer.get(), "late", 4), 4);
  writer.reset();
  Completion completion = events.wait();

  EXPECT_FALSE(completion.failure);
  EXPECT_EQ(events.out(), "oldlate");
  RecordingEvents after;
  auto newer = current.get();
  auto second = runtime(*newer).start(request("x"), after);
  after.wait();
  EXPECT_EQ(after.out(), "newx");
}

TEST(GenerationSwap, LeavesTheOldGenerationAloneWhenTheNewConfigIsBad) {
  Generations world;
  auto old = world.build(world.config());
  Config bad = world.config("bad", "c");

  EXPECT_THAT(message_of([&] { world.build(bad, old.get()); }),
              AllOf(HasSubstr("/plugins/first"), HasSubstr("tag is bad, expected a good one"),
                    HasSubstr("correct /plugins/first/options")));

  EXPECT_FALSE(world.workshop.log.has("echo down"));
  RecordingEvents events;
  auto lease = runtime(*old).start(request("x"), events);
  EXPECT_EQ(events.wait().exit_code, 7);
}

TEST(GenerationBuilder, EndsWhatItMadeWhenALaterInstanceFails) {
  Generations world;

  EXPECT_NE(message_of([&] { world.build(world.config("a", "bad")); }), "");

  EXPECT_TRUE(world.workshop.log.has("echo down a"));
}

TEST(GenerationBuilder, NamesAnUnknownOptionAndTheNearestOne) {
  Generations world;
  Config config = world.config();
  config.plugins[0].options = Json::object({{"tagg", "x"}});

  EXPECT_THAT(message_of([&] { world.build(config); }),
              AllOf(HasSubstr("/plugins/first/options"), HasSubstr("tagg"), HasSubstr("tag")));
}

TEST(GenerationBuilder, NamesTheLibraryThatIsNotThere) {
  Generations world;
  Config config = world.config();
  config.plugins[0].library = "missing";

  EXPECT_THAT(message_of([&] { world.build(config); }),
              AllOf(HasSubstr("/plugins/first: cannot load "), HasSubstr("/missing.so"),
                    HasSubstr("No such file")));
}

TEST(GenerationBuilder, RefusesAnInstanceInTheRoleOfAnotherKindBeforeItMakesAny) {
  Generations world;
  Config config = world.config();
  config.languages[0].runtimes = {"files"};
  EXPECT_THAT(message_of([&] { world.build(config); }),
              HasSubstr("/languages/py/runtimes: \"files\" is a storage (org.podium.test.memory "
                        "1.0.0), expected a runtime"));

  config = world.config();
  config.storage = "loud";
  EXPECT_THAT(message_of([&] { world.build(config); }),
              HasSubstr("/storage: \"loud\" is a response"));

  config = world.config();
  config.routes = {{"/exec", {"first"}}};
  EXPECT_THAT(message_of([&] { world.build(config); }),
              HasSubstr("/routes//exec/response: \"first\" is a runtime"));

  config.routes = {{"/exec", {"nobody"}}};
  EXPECT_THAT(message_of([&] { world.build(config); }),
              HasSubstr("\"nobody\" is not the name of a plugin"));
  EXPECT_FALSE(world.workshop.log.has("echo up"));
}

TEST(Preflight, ChecksWithoutStartingAnything) {
  Generations world;

  world.builder.check(world.config());

  EXPECT_FALSE(world.workshop.log.has("echo up"));
}

TEST(Preflight, FindsWhatOnlyThePluginCanKnow) {
  Generations world;

  EXPECT_THAT(message_of([&] { world.builder.check(world.config("a", "bad")); }),
              AllOf(HasSubstr("/plugins/second"), HasSubstr("tag is bad")));
}

TEST(Reaper, EndsAGenerationOnItsOwnThreadAfterTheLastOwner) {
  Generations world;
  auto generation = std::make_unique<Reaper>(world.workshop.log.log());
  auto adopted = generation->adopt(world.build(world.config()));
  auto second = adopted;

  adopted.reset();
  EXPECT_FALSE(world.workshop.log.has("echo down"));
  second.reset();
  generation.reset();  // waits

  EXPECT_TRUE(world.workshop.log.has("echo down a"));
  EXPECT_TRUE(world.workshop.log.has("generation has ended"));
}

TEST(Reaper, ReturnsFromTheLastDropWhileAnInstanceStillEnds) {
  struct Slow : Watched {
    Slow(std::vector<std::string>& ends, std::shared_future<void> gate)
        : Watched("slow", ends), gate_(std::move(gate)) {}
    ~Slow() override { gate_.wait(); }
    std::shared_future<void> gate_;
  };
  Workshop workshop;
  std::vector<std::string> ends;
  std::promise<void> gate;
  Config config;
  config.storage = "slow";
  {
    Reaper reaper(workshop.log.log());
    auto adopted = reaper.adopt(
        Generation::assemble(config, {std::make_shared<Slow>(ends, gate.get_future().share())}));

    adopted.reset();  // would wait for ever if it ended the instance here

    gate.set_value();
  }
  EXPECT_EQ(ends, (std::vector<std::string>{"slow"}));
}

TEST(Reaper, LeavesAGenerationThatOutlivesItToItsLastOwner) {
  Generations world;
  std::shared_ptr<const Generation> adopted;
  {
    Reaper reaper(world.workshop.log.log());
    adopted = reaper.adopt(world.build(world.config()));
  }

  adopted.reset();

  EXPECT_TRUE(world.workshop.log.has("echo down a"));
}

/// Good and bad reloads in turn while others ask: the form of the daemon's own swap, small enough
/// for a sanitizer of threads.
TEST(GenerationSwap, DisturbsNobodyInTwoHundredGoodAndBadReloads) {
  Generations world;
  Reaper reaper(world.workshop.log.log());
  Snapshot<Generation> current;
  (void)current.exchange(reaper.adopt(world.build(world.config("a", "b"))));
  std::atomic<bool> over{false};
  std::atomic<int> good{0}, wrong{0};
  const auto ask = [&] {
    while (!over) {
      const auto generation = current.get();
      RecordingEvents events;
      auto lease = runtime(*generation).start(request("x"), events);
      const Completion completion = events.wait();
      const bool right = !completion.failure && events.out().ends_with("x");
      (right ? good : wrong)++;
    }
  };
  std::vector<std::future<void>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::async(std::launch::async, ask));

  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    const auto before = current.get();
    const std::string tag = i % 2 == 0 ? "tag" + std::to_string(i) : "bad";
    try {
      auto next = reaper.adopt(world.build(world.config(tag, "b"), before.get()));
      reaper.replaced(before->number());
      auto old = current.exchange(std::move(next));
    } catch (const Failure&) {
      ++refused;
    }
  }
  over = true;
  clients.clear();

  EXPECT_EQ(refused, 100);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(good, 0);
  EXPECT_EQ(current.get()->number(), 101u);
  EXPECT_TRUE(reaper.wait(std::chrono::seconds(60)));
  EXPECT_TRUE(reaper.left().empty());
}
