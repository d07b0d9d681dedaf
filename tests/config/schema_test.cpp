#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "config/config.hpp"
#include "config/config_text.hpp"
#include "config/difference.hpp"
#include "config/option_table.hpp"
#include "config/overrides.hpp"
#include "config/schema.hpp"

using namespace podium;
using ::testing::HasSubstr;

namespace {

/// A key of the table by a name that config/podium.json has for its star.
std::string shown_key(std::string key) {
  for (const auto& [star, name] : {std::pair{"/languages/*", "/languages/py"},
                                   {"/plugins/*", "/plugins/pods"},
                                   {"/routes/*", "/routes/~1exec"}}) {
    if (key.starts_with(star)) key = name + key.substr(std::string_view(star).size());
  }
  return key;
}

const Json* value_at(const Json& document, std::string_view key) {
  const Json* at = &document;
  while (!key.empty() && at != nullptr) {
    const std::size_t end = std::min(key.find('/', 1), key.size());
    const std::string name(key.substr(1, end - 1));
    at = at->find(name == "~1exec" ? "/exec" : name);
    key.remove_prefix(end);
  }
  return at;
}

/// The factors and limits of one language are those of all, by the same words.
bool is_said_elsewhere(const std::string& key) {
  return key.starts_with("/languages/*/multipliers/") || key.starts_with("/languages/*/limits/") ||
         key == "/$schema";
}

std::string message_of(const ConfigEnvironment& environment, const std::string& text = "{}") {
  try {
    parse_config(text, "podium.json", environment);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

}  // namespace

TEST(HostOptions, AreAllShownAndExplainedInTheDefaultConfig) {
  const auto places = config_places(default_config_text());
  const auto document = parse_config(default_config_text(), "").document;

  for (const OptionInfo& option : host_options()) {
    if (is_said_elsewhere(option.key)) continue;
    const ConfigPlace* place = find_place(places, shown_key(option.key));
    ASSERT_NE(place, nullptr) << option.key << " is not in config/podium.json";
    EXPECT_NE(place->comment, "") << option.key << " has no comment in config/podium.json";
    EXPECT_NE(value_at(*document, shown_key(option.key)), nullptr) << option.key;
  }
  EXPECT_GT(host_options().size(), 80u);
}

TEST(HostOptions, KnowTypeAndBounds) {
  const auto find = [](std::string_view key) {
    for (const OptionInfo& option : host_options()) {
      if (option.key == key) return option;
    }
    return OptionInfo{};
  };

  EXPECT_EQ(find("/limits/wall").type, OptionType::kDuration);
  EXPECT_EQ(find("/limits/wall").most, "1d");
  EXPECT_EQ(find("/http/idle_timeout").least, "65s");
  EXPECT_EQ(find("/log/level").choices,
            (std::vector<std::string>{"debug", "info", "warning", "error"}));
  EXPECT_EQ(find("/languages/*/limits/memory").type, OptionType::kSize);
  EXPECT_EQ(find("/auth/admin_key").type, OptionType::kReference);
}

TEST(ConfigText, KnowsLineAndCommentOfEveryMember) {
  const auto places = config_places(R"(// head
{
  // about the section,
  // in two lines
  "a": {
    "b": "x // no comment", // behind
    "c": [1, {"d": 2}], /* block */

    // lonely

    "e~/f": null
  }
})");

  const auto line = [&](const char* key) { return find_place(places, key)->line; };
  EXPECT_EQ(line("/a"), 5u);
  EXPECT_EQ(line("/a/b"), 6u);
  EXPECT_EQ(line("/a/e~0~1f"), 11u);
  EXPECT_EQ(find_place(places, "/a")->comment, "about the section, in two lines");
  EXPECT_EQ(find_place(places, "/a/b")->comment, "behind");
  EXPECT_EQ(find_place(places, "/a/c")->comment, "block");
  EXPECT_EQ(find_place(places, "/a/e~0~1f")->comment, "");
  EXPECT_EQ(find_place(places, "/a/x"), nullptr);
}

TEST(ConfigSchema, SaysTypeBoundsDefaultAndSentence) {
  const Json schema = config_schema({});

  const Json& http = *schema.find("properties")->find("http");
  EXPECT_EQ(json_dump(*http.find("additionalProperties")), "false");
  const Json& port = *schema.find("properties")->find("listen")->find("properties")->find("port");
  EXPECT_EQ(json_dump(port), R"({"type":"integer","minimum":0,"maximum":65535,)"
                             R"("description":"0: any free one","default":8000})");
  EXPECT_EQ(schema.find("$defs"), nullptr);
}

TEST(Overrides, ReplaceValuesByTheTypeThatTheyHave) {
  const Config config = parse_config(
      "{\"limits\": {\"wall\": \"20s\"}}", "podium.json",
      {"PODIUM__LIMITS__WALL=10s", "PODIUM__LISTEN__PORT=8001", "PODIUM__SANDBOX__STRICT=true",
       "PODIUM__LIMITS__CPU=0.5", "PODIUM__LANGUAGES__PY__ALIASES=python,python3",
       "PODIUM__ROUTES__EXEC__RESPONSE=plain", "PODIUM__AUTH__ADMIN_KEY__ENV=ADMIN",
       "PODIUM__PLUGINS__PODS__OPTIONS__MIN=4"});

  EXPECT_EQ(config.language("py")->limits.wall, milliseconds(10'000));
  EXPECT_EQ(config.http.port, 8001);
  EXPECT_TRUE(config.sandbox.strict);
  EXPECT_EQ(config.language("py")->limits.cpu_millis, 500u);
  EXPECT_EQ(config.language("py")->aliases, (std::vector<std::string>{"python", "python3"}));
  EXPECT_EQ(config.routes.at("/exec").response, "plain");
  EXPECT_EQ(config.auth.admin_key_variable, "ADMIN");
  EXPECT_EQ(config.plugin("pods")->options.find("min")->integer(), 4);
  ASSERT_EQ(config.overrides.size(), 8u);
  EXPECT_EQ(config.overrides[0].key, "/limits/wall");
  EXPECT_EQ(config.overrides[7].shown, "(hidden)");
}

TEST(Overrides, RefuseUnknownNamesAndNameTheNearest) {
  EXPECT_THAT(message_of({"PODIUM__LIMTS__WALL=1s"}),
              HasSubstr("PODIUM__LIMTS__WALL: the configuration has no \"limts\": did you mean "
                        "LIMITS?"));
  EXPECT_THAT(message_of({"PODIUM__LIMITS__WAL=1s"}), HasSubstr("did you mean WALL?"));
  EXPECT_THAT(message_of({"PODIUM__=1"}), HasSubstr("environment variable PODIUM__"));
  EXPECT_THAT(message_of({"PODIUM__LIMITS=1"}), HasSubstr("is a section"));
}

TEST(Overrides, AreNamedWhenTheirValueIsWrong) {
  EXPECT_THAT(message_of({"PODIUM__LIMITS__WALL=soon"}),
              HasSubstr("environment variable PODIUM__LIMITS__WALL: /limits/wall: \"soon\""));
  EXPECT_THAT(message_of({"PODIUM__LISTEN__PORT=http"}), HasSubstr("expected a number"));
  EXPECT_THAT(message_of({"PODIUM__SANDBOX__STRICT=yes"}), HasSubstr("expected true or false"));
  EXPECT_THAT(message_of({"PODIUM__LOG__LEVEL=info"}, "{\"limits\": {\"wall\": \"x\"}}"),
              HasSubstr("podium.json: /limits/wall"));
  EXPECT_THAT(message_of({"PODIUM__LOG__LEVEL=info", "PODIUM__log__level=debug"}),
              HasSubstr("both set /log/level"));
}

TEST(ConfigChanges, TellWhatIsDifferentAndWhatNeedsARestart) {
  const Json from = *parse_config("{}", "").document;
  const Json to = *parse_config(R"({"listen": {"port": 9}, "languages": {"d": null},
                                    "tls": {"certificate": "a", "key": "b"}})",
                                "")
                       .document;

  const std::vector<ConfigChange> changes = config_changes(from, to);

  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].key, "/listen/port");
  EXPECT_TRUE(changes[0].needs_restart);
  EXPECT_EQ(changes[1].key, "/tls/certificate");
  EXPECT_TRUE(changes[1].needs_restart);
  EXPECT_EQ(changes[2].key, "/tls/key");
  EXPECT_FALSE(changes[2].needs_restart);
  EXPECT_EQ(changes[3].key, "/languages/d");
  EXPECT_FALSE(changes[3].to.has_value());
  EXPECT_TRUE(config_changes(from, from).empty());
}

TEST(ConfigChanges, TakeANewCertificateByAReload) {
  const Json from = Json::object({{"tls", Json::object({{"certificate", "a"}})}});
  const Json to = Json::object({{"tls", Json::object({{"certificate", "b"}})}});

  EXPECT_FALSE(config_changes(from, to).at(0).needs_restart);
}
