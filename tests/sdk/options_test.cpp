#include <podium/plugin.hpp>
#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace podium::sdk;
using podium::sdk::testing::make_config;
using namespace std::chrono_literals;

namespace {

constexpr podium_option kTable[] = {
    option_string("root", nullptr, "Where"),
    option_integer("count", "8", "How many", "1", "10"),
    option_number("share", "0.5", "How much", "0", "1"),
    option_boolean("strict", "false", "Whether"),
    option_duration("window", "1s", "How long", "100ms", "4s"),
    option_size("limit", "64KiB", "How big"),
    option_list("paths", "[\"/usr\", \"a\\\"b\"]", "Which"),
    option_secret("key", "", "Secret"),
};

}  // namespace

TEST(Options, ReadsEveryTypeByName) {
  auto config = make_config(kTable, {{"root", "/srv"},
                                     {"window", "1.5s"},
                                     {"key", "s3cret"},
                                     {"strict", "true"},
                                     {"count", "10"}});
  Options options(config);

  EXPECT_EQ(options.string("root"), "/srv");
  EXPECT_EQ(options.integer("count"), 10);
  EXPECT_EQ(options.number("share"), 0.5);
  EXPECT_TRUE(options.boolean("strict"));
  EXPECT_EQ(options.duration("window"), 1500ms);
  EXPECT_EQ(options.size("limit"), 65536u);
  EXPECT_EQ(options.list("paths"), (std::vector<std::string>{"/usr", "a\"b"}));
  EXPECT_EQ(options.secret("key"), "s3cret");
  EXPECT_EQ(options.name(), "test");
}

TEST(Options, TreatsAnUnknownNameAsAMistakeInThePlugin) {
  auto config = make_config(kTable, {{"root", "/srv"}});

  try {
    Options(config).duration("windows");
    FAIL() << "nothing was thrown";
  } catch (const std::logic_error& e) {
    EXPECT_STREQ(e.what(), "option 'windows' is not in the option table");
  }
}

TEST(Options, TreatsAGetterOfAnotherTypeAsAMistakeInThePlugin) {
  auto config = make_config(kTable, {{"root", "/srv"}});

  EXPECT_THROW(Options(config).integer("window"), std::logic_error);
}

TEST(Options, ReadsValuesOfALaterHostThatAreLonger) {
  struct Longer {
    podium_value known;
    std::uint64_t later;
  };
  Longer values[2]{};
  for (Longer& value : values) {
    value.known.size = sizeof(Longer);
    value.known.type = PODIUM_INTEGER;
  }
  values[0].known.name = "a";
  values[1].known.name = "b";
  values[1].known.integer = 7;
  podium_config config{sizeof(podium_config), 2, &values[0].known, {}, {}};

  EXPECT_EQ(Options(&config).integer("b"), 7);
}

TEST(TestConfig, RefusesWhatTheHostWouldRefuse) {
  EXPECT_THROW(make_config(kTable, {}), std::invalid_argument);  // root is required
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"rooot", "/"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"window", "5s"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"window", "99ms"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"window", "1"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"strict", "yes"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"share", "1.5"}}), std::invalid_argument);
  EXPECT_THROW(make_config(kTable, {{"root", "/"}, {"paths", "/usr"}}), std::invalid_argument);
}
