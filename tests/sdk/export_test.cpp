#include <podium/plugin.hpp>
#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace podium::sdk;
using podium::sdk::testing::FakeHost;
using podium::sdk::testing::make_config;
using podium::sdk::testing::ResponseInstance;

namespace {

/// A response whose life the tests watch through the log.
class Watched : public Response, public Health, public Metrics {
 public:
  static constexpr podium_option kOptions[] = {
      option_string("mood", "good", "good, bad, worse or odd"),
  };
  static void check(const Options& options) {
    if (options.string("mood") == "bad") throw Error(PODIUM_INVALID_ARGUMENT, "mood: bad");
  }
  Watched(Host host, const Options& options) : host_(host), mood_(options.string("mood")) {
    check(options);
    if (mood_ == "worse") throw std::runtime_error("worse");
    if (mood_ == "odd") throw 7;
    host_.info("made");
  }
  ~Watched() override { host_.info("destroyed"); }

  Traits traits() const noexcept override { return {}; }
  std::unique_ptr<ResponseStream> begin(const Buffer&) override { return nullptr; }
  void finish(const Result&, const Buffer&) override {}

  HealthReport health(std::chrono::milliseconds deadline) override {
    if (mood_ == "sick") throw Error(PODIUM_UNAVAILABLE, "no \"pulse\"");
    return {PODIUM_DEGRADED, "{\"ms\":" + std::to_string(deadline.count()) + "}"};
  }
  void collect(const MetricSink& metrics) override {
    metrics.counter("podium_a_total", "A", 2, "tier=\"full\"");
    metrics.gauge("podium_b", "B", 0.5);
  }
  const void* extension(const char* id) noexcept override {
    return std::string_view(id) == "org.example.own/1" ? this : nullptr;
  }

 private:
  Host host_;
  std::string mood_;
};

/// No options, no check, no extensions; its options() is a function.
class Bare : public Response {
 public:
  static std::span<const podium_option> options() { return {}; }
  Bare(Host, const Options&) {}
  Traits traits() const noexcept override { return {}; }
  std::unique_ptr<ResponseStream> begin(const Buffer&) override { return nullptr; }
  void finish(const Result&, const Buffer&) override {}
};

auto watched(const char* mood) { return make_config(Watched::kOptions, {{"mood", mood}}); }

std::pair<podium_code, std::string> create(const FakeHost& host, const char* mood,
                                           std::uint32_t flags) {
  try {
    ResponseInstance<Watched> made(host.raw(), watched(mood), flags);
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
  return {PODIUM_OK, ""};
}

using Outcome = std::pair<podium_code, std::string>;

}  // namespace

TEST(Factory, IsFoundByTheIdOfItsKindOnly) {
  using Kind = detail::ResponseKind<Watched>;

  EXPECT_NE(detail::get_factory<Kind>(PODIUM_FACTORY_RESPONSE), nullptr);
  EXPECT_EQ(detail::get_factory<Kind>(PODIUM_FACTORY_RUNTIME), nullptr);
  EXPECT_EQ(detail::get_factory<Kind>("podium.response/2"), nullptr);
}

TEST(Factory, ShowsTheOptionTableOfTheClass) {
  auto* factory =
      static_cast<const podium_response_factory*>(detail::ResponseKind<Watched>::factory());
  ASSERT_EQ(factory->options->count, 1u);
  EXPECT_STREQ(factory->options->options[0].name, "mood");

  factory = static_cast<const podium_response_factory*>(detail::ResponseKind<Bare>::factory());
  EXPECT_EQ(factory->options->count, 0u);
}

TEST(Create, MakesAnInstanceThatDestroyEnds) {
  FakeHost host;

  { ResponseInstance<Watched> made(host.raw(), watched("good")); }

  EXPECT_TRUE(host.logged(PODIUM_INFO, "made"));
  EXPECT_TRUE(host.logged(PODIUM_INFO, "destroyed"));
}

TEST(Create, ReportsWhatTheConstructorThrows) {
  FakeHost host;

  EXPECT_EQ(create(host, "bad", 0), Outcome(PODIUM_INVALID_ARGUMENT, "mood: bad"));
  EXPECT_EQ(create(host, "worse", 0), Outcome(PODIUM_INTERNAL, "worse"));
  EXPECT_EQ(create(host, "odd", 0), Outcome(PODIUM_INTERNAL, "an exception of unknown type"));
}

TEST(Create, OnlyChecksInADryRun) {
  FakeHost host;

  EXPECT_EQ(create(host, "good", PODIUM_DRY_RUN), Outcome(PODIUM_OK, ""));
  EXPECT_EQ(create(host, "bad", PODIUM_DRY_RUN), Outcome(PODIUM_INVALID_ARGUMENT, "mood: bad"));

  EXPECT_TRUE(host.log().empty());
}

TEST(Create, SucceedsInADryRunOfAClassWithoutACheck) {
  FakeHost host;

  EXPECT_NO_THROW(ResponseInstance<Bare>(host.raw(), make_config(), PODIUM_DRY_RUN));
}

TEST(Create, RefusesAHostWhoseInterfaceIsShorterThanItsOwn) {
  FakeHost host;
  auto config = watched("good");
  podium_response out{};
  out.size = sizeof out - 8;
  podium_error err{};
  err.size = sizeof err;
  auto* factory =
      static_cast<const podium_response_factory*>(detail::ResponseKind<Watched>::factory());

  EXPECT_EQ(factory->create(host.raw(), config, 0, &out, &err), PODIUM_UNSUPPORTED);

  EXPECT_EQ(out.destroy, nullptr);
}

TEST(Extensions, AreOfferedForEveryMixinTheClassDerivesFrom) {
  FakeHost host;
  ResponseInstance<Watched> made(host.raw(), watched("good"));
  ResponseInstance<Bare> bare(host.raw(), make_config());

  EXPECT_NE(made.extension<podium_health>(PODIUM_EXT_HEALTH), nullptr);
  EXPECT_NE(made.extension<podium_metrics>(PODIUM_EXT_METRICS), nullptr);
  EXPECT_EQ(made.extension<podium_maintenance>(PODIUM_EXT_MAINTENANCE), nullptr);
  EXPECT_EQ(made.extension<void>("org.example.own/1"), made.self());
  EXPECT_EQ(bare.extension<podium_health>(PODIUM_EXT_HEALTH), nullptr);
}

TEST(Extensions, ReportHealthWithItsDetail) {
  FakeHost host;
  ResponseInstance<Watched> made(host.raw(), watched("good"));
  podium::sdk::testing::BufferSink detail;
  std::uint32_t state = 99;

  made.extension<podium_health>(PODIUM_EXT_HEALTH)->check(made.self(), 250, &state, detail.raw());

  EXPECT_EQ(state, static_cast<std::uint32_t>(PODIUM_DEGRADED));
  EXPECT_EQ(detail.text(), "{\"ms\":250}");
}

TEST(Extensions, CallAThrowingHealthCheckUnhealthyAndSayWhy) {
  FakeHost host;
  ResponseInstance<Watched> made(host.raw(), watched("sick"));
  podium::sdk::testing::BufferSink detail;
  std::uint32_t state = 99;

  made.extension<podium_health>(PODIUM_EXT_HEALTH)->check(made.self(), 250, &state, detail.raw());

  EXPECT_EQ(state, static_cast<std::uint32_t>(PODIUM_UNHEALTHY));
  EXPECT_EQ(detail.text(), "{\"error\":\"no \\\"pulse\\\"\"}");
}

TEST(Extensions, CollectMetricsWithKindLabelsAndValue) {
  FakeHost host;
  ResponseInstance<Watched> made(host.raw(), watched("good"));
  std::vector<std::string> seen;

  made.extension<podium_metrics>(PODIUM_EXT_METRICS)
      ->collect(made.self(), &seen, [](void* ctx, const podium_metric* metric) {
        static_cast<std::vector<std::string>*>(ctx)->push_back(std::to_string(metric->kind) +
                                                               metric->name + "{" + metric->labels +
                                                               "}" + std::to_string(metric->value));
      });

  EXPECT_EQ(seen, (std::vector<std::string>{"1podium_a_total{tier=\"full\"}2.000000",
                                            "2podium_b{}0.500000"}));
}
