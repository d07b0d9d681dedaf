#include "config/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/failure.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

podium_option option(std::uint32_t type, const char* name, const char* value,
                     const char* min = nullptr, const char* max = nullptr) {
  return {sizeof(podium_option), type, name, value, min, max, "Says what."};
}

/// A table that lives as long as this object.
struct Table {
  explicit Table(std::vector<podium_option> list) : options(std::move(list)) {
    table = {sizeof table, static_cast<std::uint32_t>(options.size()), options.data()};
  }
  std::vector<podium_option> options;
  podium_option_table table;
};

OptionValues validate(const Table& table, const char* json) {
  return validate_options("it", &table.table, json_parse(json), "/plugins/it/options");
}

std::string refusal(const Table& table, const char* json) {
  try {
    validate(table, json);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kInvalidArgument);
    return failure.what();
  }
  return {};
}

std::string text_of(podium_bytes bytes) { return std::string(bytes.data, bytes.size); }

const Table& every_type() {
  static const Table table(
      {option(PODIUM_STRING, "root", "blobs"), option(PODIUM_INTEGER, "count", "8", "1", "64"),
       option(PODIUM_NUMBER, "ratio", "0.5", "0", "1"), option(PODIUM_BOOLEAN, "strict", "false"),
       option(PODIUM_DURATION, "window", "1s", "0", "4s"),
       option(PODIUM_SIZE, "cache", "64MiB", "1KiB", "1GiB"),
       option(PODIUM_STRING_LIST, "hosts", "[\"a\",\"b\"]"), option(PODIUM_SECRET, "token", "")});
  return table;
}

TEST(ValidateOptions, FillsInDefaultsOfEveryTypeInTheTablesOrder) {
  const OptionValues values = validate(every_type(), "{}");

  const podium_config config = values.config();
  EXPECT_EQ(config.size, sizeof config);
  ASSERT_EQ(config.count, 8u);
  EXPECT_EQ(text_of(config.name), "it");
  EXPECT_EQ(text_of(config.values[0].text), "blobs");
  EXPECT_EQ(config.values[1].integer, 8);
  EXPECT_EQ(config.values[2].number, 0.5);
  EXPECT_EQ(config.values[3].integer, 0);
  EXPECT_EQ(config.values[4].integer, 1000);
  EXPECT_EQ(config.values[5].integer, 64 << 20);
  ASSERT_EQ(config.values[6].list_count, 2u);
  EXPECT_EQ(text_of(config.values[6].list[1]), "b");
  EXPECT_EQ(config.values[7].text.size, 0u);
  for (std::uint32_t i = 0; i < config.count; ++i) {
    EXPECT_EQ(config.values[i].size, sizeof(podium_value));
    EXPECT_STREQ(config.values[i].name, every_type().options[i].name);
    EXPECT_EQ(config.values[i].type, every_type().options[i].type);
  }
}

TEST(ValidateOptions, TakesWhatTheConfigGives) {
  const OptionValues values =
      validate(every_type(), R"({"hosts": [], "cache": "2KiB", "window": "1.5s",
      "strict": true, "ratio": 1, "count": 64, "root": ""})");

  const podium_config config = values.config();
  EXPECT_EQ(config.values[0].text.size, 0u);
  EXPECT_EQ(config.values[1].integer, 64);
  EXPECT_EQ(config.values[2].number, 1.0);
  EXPECT_EQ(config.values[3].integer, 1);
  EXPECT_EQ(config.values[4].integer, 1500);
  EXPECT_EQ(config.values[5].integer, 2048);
  EXPECT_EQ(config.values[6].list_count, 0u);
}

TEST(ValidateOptions, WritesEqualConfigsAsEqualCanonicalJson) {
  const OptionValues one = validate(every_type(), R"({"window": "1000ms", "ratio": 1})");
  const OptionValues two = validate(every_type(), R"({"ratio": 1.0, "cache": "65536KiB"})");

  EXPECT_EQ(one.canonical(), two.canonical());
  EXPECT_EQ(one.fingerprint(), two.fingerprint());
  EXPECT_EQ(one.canonical(),
            R"({"root":"blobs","count":8,"ratio":1.0,"strict":false,"window":"1s","cache":"64MiB",)"
            R"("hosts":["a","b"]})");
  EXPECT_EQ(text_of(one.config().json), one.canonical());
  EXPECT_NE(one.canonical(), validate(every_type(), R"({"count": 9})").canonical());
}

TEST(ValidateOptions, KeepsItsPointersWhenMoved) {
  OptionValues first = validate(every_type(), R"({"root": "r"})");
  const podium_config before = first.config();

  const OptionValues second = std::move(first);

  const podium_config after = second.config();
  EXPECT_EQ(before.values, after.values);
  EXPECT_EQ(before.name.data, after.name.data);
  EXPECT_EQ(before.json.data, after.json.data);
  EXPECT_EQ(text_of(before.values[0].text), "r");
}

TEST(ValidateOptions, TakesNullAndAPluginWithoutOptions) {
  EXPECT_EQ(validate(every_type(), "null").config().count, 8u);
  const OptionValues none = validate_options("it", nullptr, json_parse("{}"), "/p");
  EXPECT_EQ(none.config().count, 0u);
  EXPECT_EQ(none.canonical(), "{}");
  EXPECT_THROW(validate_options("it", nullptr, json_parse(R"({"x":1})"), "/p"), Failure);
}

TEST(ValidateOptions, NamesAnUnknownKeyAndTheNearestOne) {
  EXPECT_EQ(refusal(every_type(), R"({"windwo": "1s"})"),
            "/plugins/it/options/windwo: unknown key \"windwo\": did you mean \"window\"?");
  EXPECT_NE(
      refusal(every_type(), R"({"colour": "red"})").find("expected one of root, count, ratio"),
      std::string::npos);
}

TEST(ValidateOptions, RefusesEveryWrongTypeWithThePath) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"root": 1})", "/root: found a number, expected a string"},
      {R"({"root": null})", "/root: found null, expected a string"},
      {R"({"count": "8"})", "/count: found a string, expected a whole number"},
      {R"({"count": 8.0})", "/count: found 8.0, expected a whole number"},
      {R"({"ratio": "x"})", "/ratio: found a string, expected a number"},
      {R"({"strict": 1})", "/strict: found 1, expected true or false"},
      {R"({"window": 1})", "/window: found a number, expected a duration as a string"},
      {R"({"window": "1"})", "/window: \"1\" is not a duration"},
      {R"({"cache": 1})", "/cache: found a number, expected a size as a string"},
      {R"({"hosts": "a"})", "/hosts: found a string, expected an array of strings"},
      {R"({"hosts": ["a", 1]})", "/hosts/1: found a number, expected a string"},
      {R"({"hosts": ["a\u0000"]})", "/hosts/0: found a NUL"},
      {R"([])", "/plugins/it/options: found an array, expected an object"}};
  for (const auto& [json, said] : cases) {
    EXPECT_NE(refusal(every_type(), json).find(said), std::string::npos)
        << json << " → " << refusal(every_type(), json);
  }
}

TEST(ValidateOptions, HoldsBoundsInclusively) {
  for (const char* json :
       {R"({"count": 1})", R"({"count": 64})", R"({"ratio": 0})", R"({"ratio": 1})",
        R"({"window": "0"})", R"({"window": "4s"})", R"({"cache": "1KiB"})"}) {
    EXPECT_EQ(refusal(every_type(), json), "") << json;
  }
  EXPECT_EQ(refusal(every_type(), R"({"count": 65})"),
            "/plugins/it/options/count: found 65, expected 1 to 64");
  EXPECT_EQ(refusal(every_type(), R"({"window": "4001ms"})"),
            "/plugins/it/options/window: found 4001ms, expected 0 to 4s");
  for (const char* json :
       {R"({"count": 0})", R"({"ratio": -0.001})", R"({"ratio": 1.001})", R"({"cache": "1023B"})",
        R"({"cache": "2GiB"})", R"({"cache": "8388608TiB"})"}) {
    EXPECT_NE(refusal(every_type(), json), "") << json;
  }
}

TEST(ValidateOptions, DemandsAnOptionWithoutDefault) {
  const Table table({option(PODIUM_STRING, "bucket", nullptr)});
  EXPECT_EQ(refusal(table, "{}"), "/plugins/it/options/bucket: is missing, expected a string");
  EXPECT_EQ(refusal(table, R"({"bucket": "b"})"), "");
}

TEST(ValidateOptions, ReadsASecretFromAFileWithoutItsLineBreak) {
  const test::TempFolder folder;
  folder.write("secret", "s3cr et\r\n");
  const Json options = Json::object({{"token", Json::object({{"file", "secret"}})}});

  const OptionValues values =
      validate_options("it", &every_type().table, options, "/p", folder.path());

  EXPECT_EQ(text_of(values.config().values[7].text), "s3cr et");
  EXPECT_EQ(values.canonical().find("s3cr"), std::string::npos);
  EXPECT_EQ(values.canonical().find("token"), std::string::npos);
}

TEST(ValidateOptions, ReadsASecretFromTheEnvironment) {
  ::setenv("PODIUM_TEST_SECRET", "hidden", 1);
  const OptionValues values = validate(every_type(), R"({"token": {"env": "PODIUM_TEST_SECRET"}})");
  ::unsetenv("PODIUM_TEST_SECRET");

  EXPECT_EQ(text_of(values.config().values[7].text), "hidden");
}

TEST(ValidateOptions, ChangesTheFingerprintWhenASecretIsRotated) {
  const auto with = [](const char* secret) {
    ::setenv("PODIUM_TEST_SECRET", secret, 1);
    return validate(every_type(), R"({"token": {"env": "PODIUM_TEST_SECRET"}})");
  };
  const OptionValues old = with("old"), rotated = with("new"), again = with("old");
  ::unsetenv("PODIUM_TEST_SECRET");

  EXPECT_EQ(old.canonical(), rotated.canonical());
  EXPECT_NE(old.fingerprint(), rotated.fingerprint());
  EXPECT_EQ(old.fingerprint(), again.fingerprint());
}

TEST(ValidateOptions, TellsInTheFingerprintWhichOptionHasTheSecret) {
  const Table table({option(PODIUM_SECRET, "one", ""), option(PODIUM_SECRET, "two", "")});
  ::setenv("PODIUM_TEST_SECRET", "same", 1);
  const OptionValues one = validate(table, R"({"one": {"env": "PODIUM_TEST_SECRET"}})");
  const OptionValues two = validate(table, R"({"two": {"env": "PODIUM_TEST_SECRET"}})");
  ::unsetenv("PODIUM_TEST_SECRET");

  EXPECT_NE(one.fingerprint(), two.fingerprint());
}

TEST(ValidateOptions, RefusesSecretsThatAreNotThereAndNeverShowsThem) {
  const test::TempFolder folder;
  const auto said = [&](const Json& secret) -> std::string {
    try {
      validate_options("it", &every_type().table, Json::object({{"token", secret}}), "/p",
                       folder.path());
    } catch (const Failure& failure) {
      return failure.what();
    }
    return {};
  };
  const auto file = [](const std::string& name) { return Json::object({{"file", name}}); };
  folder.write("empty", "\n");
  folder.write("large", std::string(70'000, 'x'));

  EXPECT_NE(said(file("none")).find("/p/token: the secret's file"), std::string::npos);
  EXPECT_NE(said(file("empty")).find("is empty"), std::string::npos);
  EXPECT_NE(said(file("large")).find("64 KiB"), std::string::npos);
  EXPECT_NE(said(file(".")).find("no regular file"), std::string::npos);
  EXPECT_NE(said(Json::object({{"env", "PODIUM_TEST_UNSET"}})).find("is not set"),
            std::string::npos);
  EXPECT_EQ(said(Json("hunter2")),
            "/p/token: found a string, expected {\"file\": PATH} or {\"env\": NAME}");
  EXPECT_EQ(said(Json::object({{"value", "hunter2"}})).find("hunter2"), std::string::npos);
  EXPECT_NE(said(Json::object({{"file", "a"}, {"env", "b"}})), "");
  EXPECT_NE(refusal(every_type(), R"({"token": {"file": "relative"}})").find("an absolute path"),
            std::string::npos);
}

TEST(ValidateOptions, SaysWhatIsBrokenInAPluginsTable) {
  const std::pair<podium_option, const char*> cases[] = {
      {option(PODIUM_DURATION, "wait", "5"), "wait"},
      {option(PODIUM_INTEGER, "wait", "x"), "wait"},
      {option(PODIUM_INTEGER, "wait", "9", "1", "8"), "found 9, expected 1 to 8"},
      {option(PODIUM_INTEGER, "wait", "5", "one"), "wait"},
      {option(PODIUM_STRING_LIST, "wait", "[1]"), "wait"},
      {option(PODIUM_SECRET, "wait", "letmein"), "a secret cannot have a default"},
      {option(PODIUM_STRING, "wait", "a", "a", "z"), "has bounds"},
      {option(99, "wait", "a"), "unknown type 99"},
      {option(PODIUM_STRING, "Wait", "a"), "snake_case"},
      {option(PODIUM_STRING, nullptr, "a"), "snake_case"}};
  for (const auto& [entry, said] : cases) {
    // A value is given: the fault must show even when the default is not needed.
    const std::string why = refusal(Table({entry}), R"({"wait": 5})");
    EXPECT_EQ(why.rfind("the plugin's option table is broken: ", 0), 0u) << why;
    EXPECT_NE(why.find(said), std::string::npos) << why;
  }
  EXPECT_NE(refusal(Table({option(PODIUM_STRING, "a", ""), option(PODIUM_STRING, "a", "")}), "{}")
                .find("appears twice"),
            std::string::npos);
}

TEST(ValidateOptions, ReadsEntriesOfALaterMinorVersionByTheirStride) {
  struct Longer {
    podium_option known;
    const char* added;
  };
  std::vector<Longer> entries{{option(PODIUM_INTEGER, "a", "1"), "new"},
                              {option(PODIUM_INTEGER, "b", "2"), "new"}};
  for (Longer& entry : entries) entry.known.size = sizeof(Longer);
  const podium_option_table table{sizeof table, 2, &entries.front().known};

  const OptionValues values = validate_options("it", &table, Json(), "/p");

  EXPECT_EQ(values.canonical(), R"({"a":1,"b":2})");
}

TEST(ValidateOptions, RefusesATableWhoseEntriesAreTooShort) {
  podium_option entry = option(PODIUM_INTEGER, "a", "1");
  entry.size = 16;
  const podium_option_table table{sizeof table, 1, &entry};
  EXPECT_THROW(validate_options("it", &table, Json(), "/p"), Failure);
}

TEST(NearestKey, ForgivesSlipsAndCaseButDoesNotGuess) {
  const std::vector<std::string> known{"queue_wait", "queue", "runs", "idle_timeout"};
  EXPECT_EQ(nearest_key("queue_wiat", known), "queue_wait");
  EXPECT_EQ(nearest_key("queueWait", known), "queue_wait");
  EXPECT_EQ(nearest_key("RUNS", known), "runs");
  EXPECT_EQ(nearest_key("idletimeout", known), "idle_timeout");
  EXPECT_EQ(nearest_key("colour", known), "");
  EXPECT_EQ(nearest_key("", known), "");
  EXPECT_EQ(nearest_key(std::string(1'000'000, 'a'), known), "");
  EXPECT_EQ(nearest_key("x", {"y"}), "");
  EXPECT_EQ(nearest_key("x", {}), "");
}

TEST(DescribeOptions, GivesOneLineAnOption) {
  const Table table({option(PODIUM_DURATION, "window", "1s", "0", "4s"),
                     option(PODIUM_STRING, "bucket", nullptr), option(PODIUM_SECRET, "key", "")});
  EXPECT_EQ(describe_options(&table.table),
            "window  duration, default 1s, 0 to 4s  Says what.\n"
            "bucket  string, required               Says what.\n"
            "key     secret, default none           Says what.\n");
  EXPECT_EQ(describe_options(nullptr), "");
}

}  // namespace
}  // namespace podium
