#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "plugins/workshop.hpp"

using namespace podium;
using podium::test::code_of_failure;
using podium::test::message_of;
using podium::test::RecordingEvents;
using podium::test::Workshop;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

struct CreatingDefect {
  const char* name;
  Code code;
  const char* expected;
};

void PrintTo(const CreatingDefect& defect, std::ostream* out) { *out << defect.name; }

/// Builds generations from the corpus: the broken plugin is "it", the storage is sound.
class Building {
 public:
  Config config(const std::string& broken) {
    Config made;
    made.plugin_dir = workshop.dir.path();
    for (std::string name : {broken, std::string("memory")}) {
      if (std::filesystem::exists(workshop.dir.path() / (name + ".so"))) continue;
      workshop.add((name == "memory" ? "tests/plugins/" : "tests/broken_plugins/") + name + ".so",
                   name);
    }
    made.plugins = {{"files", "memory", Json::object()}, {"it", broken, Json::object()}};
    made.storage = "files";
    return made;
  }
  std::shared_ptr<const Generation> build(const std::string& broken) {
    return builder.build(config(broken), nullptr);
  }
  /// The instance of the broken plugin as what it is.
  template <class Kind>
  Kind& it(const Generation& generation) {
    return dynamic_cast<Kind&>(*generation.instances().at(1));
  }

  Workshop workshop;
  GenerationBuilder builder{workshop.services()};
};

class Creation : public ::testing::TestWithParam<CreatingDefect> {};

/// One run of the rude runtime.
class RudeRun : public ::testing::Test, protected Building {
 protected:
  Completion run(const std::string& code) {
    RunRequest request;
    request.id = "run-of-" + code;
    request.code = code;
    request.limits.output = 4;
    {
      std::unique_ptr<Lease> lease = it<Runtime>(*generation).start(request, events);
      events.wait();
    }
    return events.wait();
  }

  std::shared_ptr<const Generation> generation = build("rude_runtime");
  RecordingEvents events;
};

class RudeStorage : public ::testing::Test, protected Building {
 protected:
  std::shared_ptr<const Generation> generation = build("rude_storage");
  Storage& storage = it<Storage>(*generation);
};

class Text : public Source {
 public:
  std::size_t read(char* buffer, std::size_t) override {
    buffer[0] = 'x';
    return 1;
  }
};

}  // namespace

TEST_P(Creation, FailsWithInstanceLibraryReasonAndRemedy) {
  Building building;
  std::string name = GetParam().name;
  auto build = [&] { building.build(name); };

  EXPECT_THAT(message_of(build), AllOf(HasSubstr("/plugins/it"), HasSubstr(GetParam().expected),
                                       HasSubstr("/plugins/it/options")));
  EXPECT_EQ(code_of_failure(build), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    BrokenPlugins, Creation,
    ::testing::Values(
        CreatingDefect{"create_fails", Code::kUnavailable,
                       "response \"it\": the moon is in the wrong phase; correct"},
        CreatingDefect{"create_fails_silently", Code::kResourceExhausted,
                       "create failed with code 6"},
        CreatingDefect{"create_unknown_code", Code::kInternal, "MMMMMMMM; correct"},
        CreatingDefect{"throws_in_create", Code::kInternal,
                       "create let an exception out, against the ABI: thrown by create"},
        CreatingDefect{"throws_a_number", Code::kInternal,
                       "create let an exception out, against the ABI: of unknown type"},
        CreatingDefect{"null_function", Code::kInternal, "create left its function tick NULL"},
        CreatingDefect{"small_interface", Code::kInternal, "create left an interface of 8 bytes"},
        CreatingDefect{"media_type", Code::kInternal, "its media type is none"},
        CreatingDefect{"short_extension", Code::kInternal,
                       "its extension podium.health/1 says that it has 4 bytes"},
        CreatingDefect{"null_extension", Code::kInternal,
                       "its extension podium.event-stream/1 has NULL for its function number 1"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(BrokenPlugin, WhoseDefaultIsNoValueIsNamedWithItsLibrary) {
  Building building;

  EXPECT_THAT(message_of([&] { building.build("option_default"); }),
              AllOf(HasSubstr("/plugins/it ("), HasSubstr("option_default.so)"),
                    HasSubstr("the default or a bound of count: \"soon\" is not a duration")));
}

TEST(BrokenPlugin, IsFoundByThePreflightToo) {
  Building building;
  Config config = building.config("throws_in_create");

  EXPECT_THAT(message_of([&] { building.builder.check(config); }),
              HasSubstr("create let an exception out"));
}

TEST(BrokenPlugin, EndsTheInstancesThatWereMadeBeforeIt) {
  Building building;

  EXPECT_NE(message_of([&] { building.build("create_fails"); }), "");

  EXPECT_TRUE(building.workshop.log.has("memory down"));
}

TEST(BrokenPlugin, ThatGivesNoStreamFailsTheAnswerOnly) {
  Building building;
  auto generation = building.build("sound");
  std::string out = "kept";

  EXPECT_THAT(message_of([&] { building.it<Response>(*generation).begin(out); }),
              HasSubstr("begin gave no stream"));
  EXPECT_EQ(out, "kept");
}

TEST_F(RudeRun, CompletesOnceThoughThePluginCompletesTwice) {
  run("twice");

  EXPECT_EQ(events.completions(), 1);
  EXPECT_TRUE(workshop.log.has("gave a second completion, which is dropped"));
}

TEST_F(RudeRun, DropsOutputThatComesAfterTheCompletion) {
  run("talk on");

  EXPECT_EQ(events.out(), "");
  EXPECT_TRUE(workshop.log.has("gave output after its completion"));
}

TEST_F(RudeRun, SurvivesCallsForARunWhoseLeaseHasEnded) {
  run("first");

  RecordingEvents second;
  RunRequest request;
  request.code = "stray";
  { auto lease = it<Runtime>(*generation).start(request, second); }

  EXPECT_EQ(events.completions(), 1);
  EXPECT_EQ(events.out(), "");
  EXPECT_EQ(second.completions(), 1);
}

TEST_F(RudeRun, DropsOutputOnAnUnknownStream) {
  run("third stream");

  EXPECT_EQ(events.out() + events.err(), "");
  EXPECT_TRUE(workshop.log.has("unknown stream"));
}

TEST_F(RudeRun, CutsAFloodAndNamesTheLimit) {
  Completion completion = run("flood");

  EXPECT_EQ(events.out(), "0123");
  EXPECT_EQ(completion.limit, LimitHit::kOutput);
}

TEST_F(RudeRun, FailsWhenTheCompletionIsNone) {
  Completion completion = run("short");

  ASSERT_TRUE(completion.failure);
  EXPECT_EQ(completion.failure->code(), Code::kInternal);
}

TEST_F(RudeRun, TakesUnknownCodesForAnInternalFailureAndNoLimit) {
  Completion completion = run("unknown codes");

  ASSERT_TRUE(completion.failure);
  EXPECT_EQ(completion.failure->code(), Code::kInternal);
  EXPECT_THAT(completion.failure->what(), HasSubstr("failed with code 77"));
  EXPECT_EQ(completion.limit, LimitHit::kNone);
}

TEST_F(RudeRun, TurnsAnExceptionOfStartIntoAFailure) {
  RunRequest request;
  request.code = "throw";

  EXPECT_THAT(message_of([&] { it<Runtime>(*generation).start(request, events); }),
              HasSubstr("runtime \"it\": start let an exception out, against the ABI: thrown by"));
  EXPECT_EQ(events.completions(), 0);
}

TEST_F(RudeRun, IsUnavailableWhenStartRefuses) {
  RunRequest request;
  request.code = "refuse";

  EXPECT_EQ(code_of_failure([&] { it<Runtime>(*generation).start(request, events); }),
            Code::kUnavailable);
}

TEST_F(RudeRun, DoesNotEndTwiceWhenStartFailsAfterItsCompletion) {
  Completion completion = run("fail late");

  EXPECT_FALSE(completion.failure);
  EXPECT_EQ(events.completions(), 1);
  EXPECT_TRUE(workshop.log.has("start failed after its completion"));
}

TEST_F(RudeRun, SurvivesExceptionsOfReleaseAndDestroy) {
  run("anything");

  generation.reset();

  EXPECT_TRUE(workshop.log.has("release let an exception out"));
  EXPECT_TRUE(workshop.log.has("destroy let an exception out"));
}

TEST_F(RudeStorage, TurnsExceptionsIntoFailures) {
  Text source;

  EXPECT_THAT(message_of([&] { storage.put("throw", source); }),
              HasSubstr("storage \"it\": put let an exception out"));
  EXPECT_THAT(message_of([&] { storage.head("k"); }), HasSubstr("head let an exception out"));
}

TEST_F(RudeStorage, TakesAnUnknownCodeForAnInternalFailure) {
  EXPECT_EQ(code_of_failure([&] { storage.remove("k"); }), Code::kInternal);
}

TEST_F(RudeStorage, FailsAPutWhoseSourceFailedThoughThePluginSaysItWorked) {
  struct Failing : Source {
    std::size_t read(char*, std::size_t) override {
      throw Failure(Code::kTooLarge, "the upload is too large");
    }
  } source;

  EXPECT_EQ(code_of_failure([&] { storage.put("k", source); }), Code::kTooLarge);
}

TEST_F(RudeStorage, FailsAGetOfAnotherLengthThanAskedFor) {
  EXPECT_THAT(message_of([&] { storage.get("k", 0, 5, [](auto) { return true; }); }),
              HasSubstr("get gave 3 bytes, expected 5"));
}

TEST_F(RudeStorage, CancelsAGetWhoseReaderLeftThoughThePluginGoesOn) {
  int calls = 0;

  Code code = code_of_failure([&] { storage.get("k", 0, 3, [&](auto) { return ++calls < 1; }); });

  EXPECT_EQ(code, Code::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST_F(RudeStorage, PassesOnWhatTheVisitorOfAListThrows) {
  auto visit = [](const BlobInfo&) -> bool { throw std::runtime_error("mine"); };

  EXPECT_THROW(storage.list("", visit), std::runtime_error);
}

TEST_F(RudeStorage, FailsWhenOpenGivesNoDescriptor) {
  EXPECT_THAT(message_of([&] { storage.open_local("k"); }), HasSubstr("open gave no descriptor"));
}

TEST_F(RudeStorage, IsUnhealthyWhenTheDetailIsNoJson) {
  Health health = storage.check_health(milliseconds(100));

  EXPECT_EQ(health.state, HealthState::kUnhealthy);
  EXPECT_NE(health.detail.find("error"), nullptr);
}
