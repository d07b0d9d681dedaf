#include "config/config.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/failure.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;

TEST(DefaultConfig, IsTheFileOfTheRepository) {
  EXPECT_EQ(default_config_text(), read_config_text(PODIUM_SOURCE_DIR "/config/podium.json"));
}

TEST(DefaultConfig, SaysInTheFileWhatTheStructuresSay) {
  const Config config = parse_config("{}", "c");

  const HttpConfig http;
  EXPECT_EQ(config.http.address, http.address);
  EXPECT_EQ(config.http.port, http.port);
  EXPECT_EQ(config.http.io_threads, http.io_threads);
  EXPECT_EQ(config.http.max_connections, http.max_connections);
  EXPECT_EQ(config.http.max_connections_per_peer, http.max_connections_per_peer);
  EXPECT_EQ(config.http.head_timeout, http.head_timeout);
  EXPECT_EQ(config.http.idle_timeout, http.idle_timeout);
  EXPECT_EQ(config.http.write_timeout, http.write_timeout);
  EXPECT_EQ(config.http.body_rate, http.body_rate);
  EXPECT_EQ(config.http.keep_alive_exec, http.keep_alive_exec);
  EXPECT_EQ(config.http.max_request, http.max_request);
  EXPECT_EQ(config.http.unknown_bodies, http.unknown_bodies);
  EXPECT_EQ(config.http.transfers, http.transfers);
  EXPECT_EQ(config.http.max_upload, http.max_upload);
  EXPECT_EQ(config.http.max_upload_files, http.max_upload_files);
  const Config plain;
  EXPECT_EQ(config.admission.runs, plain.admission.runs);
  EXPECT_EQ(config.admission.queue, plain.admission.queue);
  EXPECT_EQ(config.admission.queue_wait, plain.admission.queue_wait);
  EXPECT_EQ(config.admission.requests, plain.admission.requests);
  EXPECT_EQ(config.sessions.time_to_live, plain.sessions.time_to_live);
  EXPECT_EQ(config.sessions.sweep_interval, plain.sessions.sweep_interval);
  EXPECT_EQ(config.sessions.orphan_age, plain.sessions.orphan_age);
  EXPECT_EQ(config.outputs.max_files, plain.outputs.max_files);
  EXPECT_EQ(config.outputs.max_total, plain.outputs.max_total);
  EXPECT_EQ(config.outputs.max_depth, plain.outputs.max_depth);
  EXPECT_EQ(config.auth.mode, plain.auth.mode);
  EXPECT_EQ(config.auth.keys_file, plain.auth.keys_file);
  EXPECT_EQ(config.sandbox.strict, plain.sandbox.strict);
  EXPECT_EQ(config.sandbox.uid_base, plain.sandbox.uid_base);
  EXPECT_EQ(config.log.level, plain.log.level);
  EXPECT_EQ(config.log.format, plain.log.format);
  EXPECT_EQ(config.user, plain.user);
  EXPECT_EQ(config.drain_timeout, plain.drain_timeout);
}

TEST(DefaultConfig, GivesEachLanguageTheDefaultLimits) {
  const Config config = parse_config("{}", "c");

  const Limits expected;
  for (const LanguageConfig& language : config.languages) {
    const Limits& limits = language.limits;
    EXPECT_EQ(limits.wall, expected.wall);
    EXPECT_EQ(limits.compile_wall, expected.compile_wall);
    EXPECT_EQ(limits.cpu_millis, expected.cpu_millis);
    EXPECT_EQ(limits.memory, expected.memory);
    EXPECT_EQ(limits.processes, expected.processes);
    EXPECT_EQ(limits.output, expected.output);
    EXPECT_EQ(limits.file_size, expected.file_size);
    EXPECT_EQ(limits.workspace, expected.workspace);
    EXPECT_EQ(limits.workspace_files, expected.workspace_files);
    EXPECT_EQ(limits.open_files, expected.open_files);
    EXPECT_EQ(limits.compile_cpu_millis, expected.compile_cpu_millis);
    EXPECT_EQ(limits.compile_memory, expected.compile_memory);
    EXPECT_EQ(limits.compile_processes, expected.compile_processes);
  }
}

TEST(DefaultConfig, HasThirteenLanguagesByAllTheirAliases) {
  const Config config = parse_config("{}", "c");

  EXPECT_EQ(config.languages.size(), 13u);
  const std::vector<std::pair<const char*, const char*>> kNames{
      {"py", "py"},     {"python", "py"},   {"js", "js"},   {"javascript", "js"},
      {"node", "js"},   {"nodejs", "js"},   {"ts", "ts"},   {"typescript", "ts"},
      {"bash", "bash"}, {"sh", "bash"},     {"go", "go"},   {"java", "java"},
      {"c", "c"},       {"cpp", "cpp"},     {"c++", "cpp"}, {"php", "php"},
      {"rs", "rs"},     {"rust", "rs"},     {"r", "r"},     {"R", "r"},
      {"f90", "f90"},   {"fortran", "f90"}, {"d", "d"}};
  for (const auto& [alias, name] : kNames) {
    ASSERT_NE(config.language(alias), nullptr) << alias;
    EXPECT_EQ(config.language(alias)->name, name);
    EXPECT_FALSE(config.language(alias)->packages.empty()) << alias;
    EXPECT_FALSE(config.language(alias)->version.empty()) << alias;
  }
}

TEST(DefaultConfig, RunsPythonAndBashAsJobsAndAnswersWithHeartbeats) {
  const Config config = parse_config("{}", "c");

  const LanguageConfig& python = *config.language("Python");
  EXPECT_EQ(python.name, "py");
  EXPECT_EQ(python.source, "main.py");
  EXPECT_EQ(python.command, (std::vector<std::string>{"/usr/bin/python3", "{source}"}));
  EXPECT_EQ(python.environment.at("PYTHONPATH"), "/mnt/data");
  EXPECT_EQ(config.language("sh")->command.front(), "/bin/bash");
  EXPECT_EQ(config.language("BASH")->runtimes, std::vector<std::string>{"jobs"});
  EXPECT_EQ(config.plugin("jobs")->library, "runtime/job");
  EXPECT_EQ(config.plugin(config.storage)->options.find("root")->string(), "blobs");
  EXPECT_EQ(config.plugin(config.routes.at("/exec").response)->library, "response/heartbeat");
  EXPECT_EQ(config.plugin("plain")->library, "response/plain");
  EXPECT_EQ(config.state_dir, "/var/lib/podium");
  EXPECT_TRUE(config.plugin_dir.empty());
}

TEST(ParseConfig, ReplacesSectionsMemberByMember) {
  const Config config = parse_config(
      R"({"listen": {"port": 9000}, "http": {"idle_timeout": "65s"}, "limits": {"cpu": 0.25}})",
      "c");

  EXPECT_EQ(config.http.port, 9000);
  EXPECT_EQ(config.http.address, "127.0.0.1");
  EXPECT_EQ(config.http.idle_timeout, 65s);
  EXPECT_EQ(config.http.head_timeout, 10s);
  EXPECT_EQ(config.language("py")->limits.cpu_millis, 250u);
  EXPECT_EQ(config.language("py")->limits.wall, 30s);
}

TEST(ParseConfig, ReplacesPluginsAndLanguagesEntryByEntry) {
  const Config config = parse_config(R"({
    "plugins": {"beat": {"library": "response/heartbeat"}, "fast": {"library": "/opt/x/fast.so"}},
    "languages": {"py": {"runtimes": ["fast", "jobs"], "source": "a", "command": ["/opt/py"]}}})",
                                     "c");

  EXPECT_TRUE(config.plugin("beat")->options.members().empty());
  EXPECT_NE(config.plugin("jobs"), nullptr);
  EXPECT_EQ(config.language("py")->runtimes, (std::vector<std::string>{"fast", "jobs"}));
  EXPECT_TRUE(config.language("py")->environment.empty());
  EXPECT_EQ(config.language("python"), nullptr);
  EXPECT_NE(config.language("bash"), nullptr);
}

TEST(ParseConfig, RemovesAnEntryThatIsNull) {
  const Config config =
      parse_config(R"({"plugins": {"plain": null}, "languages": {"bash": null}})", "c");

  EXPECT_EQ(config.plugin("plain"), nullptr);
  EXPECT_EQ(config.language("bash"), nullptr);
  EXPECT_NE(config.language("py"), nullptr);
}

TEST(ParseConfig, LaysALanguagesLimitsOverTheCommonOnes) {
  const Config config = parse_config(R"({"limits": {"wall": "10s", "memory": "1GiB"}, "languages": {
    "my++": {"aliases": ["mine"], "runtimes": ["jobs"], "source": "main.cpp",
            "compile": ["/usr/bin/g++", "-o", "/tmp/main", "{source}"], "command": ["/tmp/main"],
            "packages": ["g++"], "limits": {"wall": "2m", "cpu": 2, "open_files": 64}}}})",
                                     "c");

  const Limits& limits = config.language("MINE")->limits;
  EXPECT_EQ(limits.wall, 2min);
  EXPECT_EQ(limits.cpu_millis, 2000u);
  EXPECT_EQ(limits.open_files, 64u);
  EXPECT_EQ(limits.memory, 1u << 30);
  EXPECT_EQ(config.language("py")->limits.wall, 10s);
}

TEST(ParseConfig, MultipliesTheCommonLimitsAndLaysALanguagesOwnOverThem) {
  const Config config = parse_config(R"({"limits": {"wall": "10s", "memory": "1GiB"}, "languages": {
    "x": {"runtimes": ["jobs"], "source": "x", "command": ["/x"],
          "multipliers": {"wall": 1.5, "memory": 2, "cpu": 0.5, "processes": 0.01},
          "limits": {"memory": "3GiB"}}}})",
                                     "c");

  const Limits& limits = config.language("x")->limits;
  EXPECT_EQ(limits.wall, 15s);
  EXPECT_EQ(limits.memory, Bytes{3} << 30);
  EXPECT_EQ(limits.cpu_millis, 500u);
  EXPECT_EQ(limits.processes, 1u);
  EXPECT_EQ(config.language("py")->limits.wall, 10s);
}

std::string refusal_of(const std::string& text) {
  try {
    parse_config(text, "c");
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "taken";
}

std::string refusal_of_language(const std::string& members) {
  return refusal_of(R"({"languages": {"x": {"runtimes": ["jobs"], )" + members + "}}}");
}

TEST(ParseConfig, RefusesWordsInBracesThatStandForNothing) {
  EXPECT_EQ(
      refusal_of_language(R"("source": "x", "command": ["/x", "{sorce}"])"),
      "c: /languages/x/command/1: found {sorce}, expected one of {source}, {folder}, {memory}, "
      "{public_class}, {main_class}");
  EXPECT_NE(
      refusal_of_language(R"("source": "{main}.x", "command": ["/x"])").find("{public_class}"),
      std::string::npos);
  EXPECT_EQ(refusal_of_language(R"("source": "x", "command": ["/x", "awk {print $1} {} {"])"),
            "taken");
}

TEST(ParseConfig, RefusesAMultiplierThatIsNoFactorOrUnknown) {
  const std::string rest = R"("source": "x", "command": ["/x"], "multipliers": )";

  EXPECT_NE(refusal_of_language(rest + R"({"wall": 0})")
                .find("/multipliers/wall: found 0, expected a factor"),
            std::string::npos);
  EXPECT_NE(refusal_of_language(rest + R"({"wal": 2})").find("did you mean \"wall\"?"),
            std::string::npos);
}

TEST(ParseConfig, RefusesEveryNetworkPolicyButNone) {
  EXPECT_EQ(refusal_of(R"({"sandbox": {"network": "none"}})"), "taken");
  for (const char* policy : {"full", "egress", "", "None"}) {
    EXPECT_EQ(
        refusal_of(R"({"sandbox": {"network": ")" + std::string(policy) + "\"}}"),
        "c: /sandbox/network: found \"" + std::string(policy) +
            "\", expected \"none\": programs have no network, and this version can enforce no "
            "other policy");
  }
}

TEST(Config, ShowsInSandboxesWhatLanguagesReadAndWhatTheSectionNames) {
  const Config config = parse_config(R"({"sandbox": {"read_only_paths": ["/opt/x"]}, "languages": {
    "x": {"runtimes": ["jobs"], "source": "x", "command": ["/x"], "paths": ["/etc/x", "/opt/x"]}}})",
                                     "c");

  const auto paths = config.shown_paths();
  EXPECT_EQ(std::count(paths.begin(), paths.end(), "/opt/x"), 1);
  EXPECT_EQ(std::count(paths.begin(), paths.end(), "/etc/x"), 1);
  EXPECT_NE(refusal_of(R"({"state_dir": "/var/lib/p", "languages": {"x": {"runtimes": ["jobs"],
    "source": "x", "command": ["/x"], "paths": ["/var/lib/p/keys"]}}})")
                .find("/languages/x/paths"),
            std::string::npos);
}

TEST(ParseConfig, TakesNoKeyModeOnLoopback) {
  for (const char* address : {"127.0.0.1", "127.9.9.9", "::1"}) {
    const std::string text =
        std::string(R"({"auth": {"mode": "none"}, "listen": {"address": ")") + address + "\"}}";
    EXPECT_EQ(parse_config(text, "c").auth.mode, AuthConfig::Mode::kNone);
  }
}

TEST(Config, LetsNoKeyModeListenElsewhereWhenTheClientsNetworksAreNamed) {
  const Config config = parse_config(
      R"({"auth": {"mode": "none", "trusted_networks": ["10.0.0.0/8"], "hosts": ["podium.example.org"]},
          "listen": {"address": "0.0.0.0"}})",
      "c");

  ASSERT_EQ(config.auth.trusted_networks.size(), 1u);
  EXPECT_TRUE(config.auth.trusted_networks[0].contains("10.2.3.4"));
  EXPECT_EQ(config.auth.hosts, std::vector<std::string>{"podium.example.org"});
}

TEST(Config, TakesTheAdministratorsKeyFromAFileOrTheEnvironment) {
  EXPECT_EQ(parse_config("{}", "c").auth.admin_key_file, "admin-key");
  const Config by_variable = parse_config(R"({"auth": {"admin_key": {"env": "ADMIN"}}})", "c");
  EXPECT_EQ(by_variable.auth.admin_key_variable, "ADMIN");
  EXPECT_EQ(by_variable.auth.admin_key_file, "");
  const Config off = parse_config(R"({"auth": {"admin_key": null}})", "c");
  EXPECT_EQ(off.auth.admin_key_variable + off.auth.admin_key_file.native(), "");
}

TEST(Config, ReadsQuotasTokensAndTheLockOut) {
  const Config config = parse_config(
      R"({"quotas": {"minute": 60, "concurrent": 2}, "audit": {"retention": "0"},
          "auth": {"tokens": {"keys": "jwks.json", "skew": "10s"}, "lockout": {"failures": 0}}})",
      "c");

  EXPECT_EQ(config.quotas, (QuotaConfig{0, 60, 0, 0, 0, 2}));
  EXPECT_EQ(quota_of(to_json(config.quotas), "q"), config.quotas);
  EXPECT_EQ(config.audit.retention.count(), 0);
  EXPECT_EQ(config.auth.tokens.keys, "jwks.json");
  EXPECT_EQ(config.auth.tokens.skew, milliseconds(10'000));
  EXPECT_EQ(config.auth.lockout.failures, 0u);
}

TEST(ParseConfig, AllowsCommentsAndTrailingCommas) {
  EXPECT_EQ(parse_config("// mine\n{\"listen\": {\"port\": 1,}, /* more */}", "c").http.port, 1);
}

struct Bad {
  std::string text;
  std::vector<const char*> said;
};

/// A config with the language "x", which is whole but for the members in `more`.
std::string language_x(const std::string& more) {
  const std::string whole = R"("runtimes": ["jobs"], "source": "a", "command": ["/x"])";
  Json language = json_parse("{" + whole + "}");
  const Json changes = json_parse(more);
  for (const auto& [key, value] : changes.members()) language.set(key, value);
  return json_dump(Json::object({{"languages", Json::object({{"x", language}})}}));
}

class BadConfig : public testing::TestWithParam<Bad> {};

TEST_P(BadConfig, IsRefusedWithThePathAndWhatWasExpected) {
  try {
    parse_config(GetParam().text, "/etc/podium.json");
    FAIL() << "accepted: " << GetParam().text;
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    EXPECT_EQ(failure.code(), Code::kInvalidArgument);
    EXPECT_EQ(what.rfind("/etc/podium.json: ", 0), 0u) << what;
    for (const char* piece : GetParam().said) {
      EXPECT_NE(what.find(piece), std::string::npos) << what << "\nlacks: " << piece;
    }
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Text, BadConfig,
                         testing::Values(Bad{"", {"line 1", "empty"}},
                                         Bad{"{\"a\" 1}", {"line 1, column 6", "':'"}},
                                         Bad{"{\n\"listen\": {},\n\"listen\": {}}",
                                             {"line 3", "\"listen\" appears twice"}},
                                         Bad{"[]", {"/: found an array, expected an object"}},
                                         Bad{"null", {"found null"}}, Bad{"{} {}", {"follows"}},
                                         Bad{"\xEF\xBB\xBF{}", {"byte order mark"}}));

INSTANTIATE_TEST_SUITE_P(
    Keys, BadConfig,
    testing::Values(
        Bad{R"({"lisen": {}})", {"/lisen: unknown key", "did you mean \"listen\"?"}},
        Bad{R"({"http": {"idleTimeout": "70s"}})", {"/http/idleTimeout", "\"idle_timeout\""}},
        Bad{R"({"limits": {"runs": 8}})",
            {"/limits/runs: unknown key \"runs\": expected one of wall,"}},
        Bad{R"({"auth": {"keys": {"fil": "x"}}})", {"/auth/keys/fil", "\"file\""}},
        Bad{R"({"plugins": {"jobs": {"library": "a/b", "option": {}}}})",
            {"/plugins/jobs/option", "\"options\""}},
        Bad{language_x(R"({"limit": {}})"), {"/languages/x/limit", "\"limits\""}},
        Bad{R"({"routes": {"/exce": {"response": "plain"}}})", {"/routes/~1exce", "\"/exec\""}},
        Bad{R"({"routes": {"/exec": {"respons": "plain"}}})",
            {"/routes/~1exec/respons", "\"response\""}},
        Bad{R"({"x\ny": 1})", {"/x?y", "\"x\\ny\""}}));

INSTANTIATE_TEST_SUITE_P(
    Types, BadConfig,
    testing::Values(Bad{R"({"listen": 5})", {"/listen: found a number, expected an object"}},
                    Bad{R"({"listen": null})", {"/listen: found null, expected an object"}},
                    Bad{R"({"listen": {"port": "8000"}})",
                        {"/listen/port: found a string, expected a whole number"}},
                    Bad{R"({"listen": {"port": 80.5}})",
                        {"found 80.5, expected a whole number from 0 to 65535"}},
                    Bad{R"({"http": {"keep_alive_exec": 1}})",
                        {"/http/keep_alive_exec: found a number, expected true or false"}},
                    Bad{R"({"http": {"max_request": 100}})",
                        {"/http/max_request: found a number, expected a size as a string"}},
                    Bad{R"({"limits": {"wall": 30}})",
                        {"/limits/wall: found a number, expected a duration as a string"}},
                    Bad{R"({"limits": {"wall": "30"}})", {"/limits/wall", "the unit is missing"}},
                    Bad{R"({"limits": {"cpu": "1"}})",
                        {"/limits/cpu: found a string, expected a number of cores"}},
                    Bad{R"({"sandbox": {"read_only_paths": "/x"}})",
                        {"/sandbox/read_only_paths: found a string, expected an array"}},
                    Bad{R"({"sandbox": {"read_only_paths": ["/x", 7]}})",
                        {"/sandbox/read_only_paths/1: found a number"}},
                    Bad{R"({"plugins": []})", {"/plugins: found an array, expected an object"}},
                    Bad{R"({"plugins": {"x": "runtime/job"}})",
                        {"/plugins/x: found a string, expected an object"}},
                    Bad{R"({"plugins": {"x": {"library": "a/b", "options": 3}}})",
                        {"/plugins/x/options: found a number"}},
                    Bad{R"({"routes": {"/exec": "plain"}})",
                        {"/routes/~1exec: found a string, expected an object"}},
                    Bad{R"({"storage": "fi\u0000les"})", {"/storage: found a NUL"}}));

INSTANTIATE_TEST_SUITE_P(
    Bounds, BadConfig,
    testing::Values(
        Bad{R"({"listen": {"port": 65536}})", {"found 65536"}},
        Bad{R"({"listen": {"port": -1}})", {"found -1"}},
        Bad{R"({"http": {"idle_timeout": "64s"}})",
            {"/http/idle_timeout: found 64s, expected 65s to 1d"}},
        Bad{R"({"http": {"io_threads": 0}})", {"expected a whole number from 1 to 64"}},
        Bad{R"({"http": {"max_request": "0"}})", {"/http/max_request: found 0, expected 1KiB"}},
        Bad{R"({"limits": {"wall": "0"}})", {"/limits/wall: found 0, expected 1ms"}},
        Bad{R"({"limits": {"wall": "25h"}})", {"/limits/wall: found 25h"}},
        Bad{R"({"limits": {"cpu": 0}})", {"/limits/cpu: found 0, expected 0.01 to 1024.0 cores"}},
        Bad{R"({"limits": {"cpu": -1e300}})", {"/limits/cpu"}},
        Bad{R"({"limits": {"memory": "1kB"}})", {"/limits/memory"}},
        Bad{R"({"limits": {"processes": 0}})", {"/limits/processes"}},
        Bad{R"({"limits": {"processes": 99999999999999999999}})", {"/limits/processes"}},
        Bad{R"({"http": {"unknown_bodies": "4095KiB"}})",
            {"/http/unknown_bodies: found 4095KiB, expected 4MiB"}},
        Bad{R"({"admission": {"runs": 0}})", {"/admission/runs"}},
        Bad{R"({"admission": {"requests": "51MiB"}})",
            {"/admission/requests: found 51MiB, expected at least /http/max_request (52MiB)"}},
        Bad{R"({"outputs": {"max_depth": 11}})", {"/outputs/max_depth"}},
        Bad{R"({"sandbox": {"uid_base": 0}})", {"/sandbox/uid_base"}},
        Bad{R"({"languages": {"py": {"runtimes": ["jobs"], "source": "a", "command": ["/x"],
               "limits": {"open_files": 1}}}})",
            {"/languages/py/limits/open_files"}}));

INSTANTIATE_TEST_SUITE_P(
    Values, BadConfig,
    testing::Values(
        Bad{R"({"listen": {"address": "localhost"}})", {"/listen/address", "an IP address"}},
        Bad{R"({"log": {"level": "warn"}})", {"/log/level: found \"warn\", expected \"debug\" or"}},
        Bad{R"({"log": {"format": "xml"}})", {"/log/format"}},
        Bad{R"({"auth": {"mode": "off"}})", {"/auth/mode"}},
        Bad{R"({"auth": {"keys": {"file": ""}}})", {"/auth/keys/file: is empty"}},
        Bad{R"({"auth": {"admin_key": {"file": "a", "env": "B"}}})", {"/auth/admin_key"}},
        Bad{R"({"auth": {"admin_key": "sk-secret"}})", {"/auth/admin_key"}},
        Bad{R"({"auth": {"trusted_networks": ["10.0.0.1/8"]}})",
            {"/auth/trusted_networks/0", "10.0.0.0/8"}},
        Bad{R"({"auth": {"lockout": {"for": "1ms"}}})", {"/auth/lockout/for"}},
        Bad{R"({"auth": {"tokens": {"audience": ""}}})", {"/auth/tokens/audience"}},
        Bad{R"({"quotas": {"minutes": 1}})", {"/quotas/minutes", "\"minute\""}},
        Bad{R"({"quotas": {"day": -1}})", {"/quotas/day"}},
        Bad{R"({"audit": {"retention": 90}})", {"/audit/retention"}},
        Bad{R"({"state_dir": "state"})",
            {"/state_dir: found \"state\", expected an absolute path"}},
        Bad{R"({"user": "Root!"})", {"/user"}}, Bad{R"({"user": ""})", {"/user"}},
        Bad{R"({"sandbox": {"read_only_paths": ["opt"]}})",
            {"/sandbox/read_only_paths/0", "absolute"}},
        Bad{R"({"sandbox": {"read_only_paths": ["/opt/../var"]}})", {"/sandbox/read_only_paths/0"}},
        Bad{R"({"sandbox": {"read_only_paths": ["/"]}})", {"/sandbox/read_only_paths/0"}},
        Bad{R"({"plugins": {"a b": {"library": "x/y"}}})",
            {"/plugins/a b", "found the name \"a b\""}},
        Bad{R"({"plugins": {"x": {}}})", {"/plugins/x/library: is missing"}},
        Bad{R"({"plugins": {"x": {"library": "../evil"}}})", {"/plugins/x/library"}},
        Bad{R"({"plugins": {"x": {"library": "a/../../evil"}}})", {"/plugins/x/library"}},
        Bad{R"({"plugins": {"x": {"library": "runtime/job.so"}}})", {"without \".so\""}},
        Bad{R"({"plugins": {"x": {"library": "/opt/job"}}})", {"ends in \".so\""}},
        Bad{R"({"plugins": {"x": {"library": ""}}})", {"/plugins/x/library"}},
        Bad{R"({"languages": {"Py": {"runtimes": ["jobs"], "source": "a", "command": ["/x"]}}})",
            {"/languages/Py"}},
        Bad{R"({"languages": {"x": {"source": "a", "command": ["/x"]}}})",
            {"/languages/x/runtimes: is missing"}},
        Bad{R"({"languages": {"x": {"runtimes": [], "source": "a", "command": ["/x"]}}})",
            {"/languages/x/runtimes: is empty"}},
        Bad{R"({"languages": {"x": {"runtimes": ["jobs"], "source": "a/b", "command": ["/x"]}}})",
            {"/languages/x/source"}},
        Bad{R"({"languages": {"x": {"runtimes": ["jobs"], "source": "..", "command": ["/x"]}}})",
            {"/languages/x/source"}},
        Bad{R"({"languages": {"x": {"runtimes": ["jobs"], "source": "a", "command": []}}})",
            {"/languages/x/command: is empty"}},
        Bad{language_x(R"({"command": ["python3"]})"),
            {"/languages/x/command/0: found \"python3\", expected the absolute path"}},
        Bad{language_x(R"({"environment": {"A=B": ""}})"), {"/languages/x/environment/A=B"}},
        Bad{language_x(R"({"environment": {"A": 1}})"),
            {"/languages/x/environment/A: found a number, expected a string"}},
        Bad{language_x(R"({"packages": ["a; rm"]})"), {"/languages/x/packages/0"}},
        Bad{R"({"languages": {"bash": null, "c": null, "cpp": null, "d": null, "f90": null, "go": null, "java": null,)"
            R"("js": null, "php": null, "py": null, "r": null, "rs": null, "ts": null}})",
            {"/languages: is empty"}}));

INSTANTIATE_TEST_SUITE_P(
    References, BadConfig,
    testing::Values(
        Bad{R"({"storage": "flies"})", {"/storage: found \"flies\"", "did you mean \"files\"?"}},
        Bad{R"({"storage": ""})", {"/storage"}},
        Bad{R"({"routes": {"/exec": {"response": "beet"}}})",
            {"/routes/~1exec/response", "\"beat\""}},
        Bad{R"({"plugins": {"jobs": null}})", {"/languages/py/runtimes/1: found \"jobs\""}},
        Bad{language_x(R"({"runtimes": ["jobs", "pots"]})"),
            {"/languages/x/runtimes/1: found \"pots\""}},
        Bad{language_x(R"({"aliases": ["python"]})"),
            {"/languages/x", "\"python\" is already one of \"py\""}},
        Bad{R"({"auth": {"mode": "none"}, "listen": {"address": "0.0.0.0"}})",
            {"/auth/mode", "0.0.0.0", "loopback"}},
        Bad{R"({"auth": {"mode": "none"}, "listen": {"address": "::"}})", {"/auth/mode"}},
        Bad{R"({"sandbox": {"read_only_paths": ["/var"]}})",
            {"/sandbox/read_only_paths", "state_dir"}},
        Bad{R"({"sandbox": {"read_only_paths": ["/var/lib/podium/keys"]}})",
            {"/sandbox/read_only_paths"}}));

TEST(ParseConfig, TellsSimilarFolderNamesApart) {
  const Config config =
      parse_config(R"({"sandbox": {"read_only_paths": ["/var/lib/podium-data"]}})", "c");
  EXPECT_EQ(config.sandbox.read_only_paths, std::vector<std::string>{"/var/lib/podium-data"});
}

TEST(Config, ResolvesRelativePathsBelowTheStateFolder) {
  Config config;
  config.state_dir = "/srv/p";
  EXPECT_EQ(config.resolve("keys.json"), "/srv/p/keys.json");
  EXPECT_EQ(config.resolve("/etc/keys.json"), "/etc/keys.json");
}

TEST(IsLoopback, KnowsTheAddressesThatOnlyThisMachineReaches) {
  for (const char* address : {"127.0.0.1", "127.255.0.3", "::1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const char* address : {"", "0.0.0.0", "::", "128.0.0.1", "localhost", "127.0.0.1.evil",
                              "10.0.0.1", "::ffff:127.0.0.1", "127.1", "1270.0.0.1"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
  EXPECT_FALSE(is_loopback(std::string(1000, '1')));
}

std::string load_error(const std::filesystem::path& file) {
  try {
    load_config(file);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

TEST(LoadConfig, ReadsAFileAndNamesItInErrors) {
  const test::TempFolder folder;
  EXPECT_EQ(load_config(folder.write("good.json", R"({"user": "me"})")).user, "me");

  const auto bad = folder.write("bad.json", "{\n  \"user\": }");
  EXPECT_EQ(load_error(bad), bad.native() + ": line 2, column 11: expected a value");
}

TEST(LoadConfig, RefusesWhatIsNoReadableFileOfAtMostOneMebibyte) {
  const test::TempFolder folder;
  const auto fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);

  EXPECT_NE(load_error(folder.path() / "none").find("No such file"), std::string::npos);
  EXPECT_NE(load_error(folder.path()).find("no regular file"), std::string::npos);
  EXPECT_NE(load_error(fifo).find("no regular file"), std::string::npos);
  EXPECT_EQ(load_error(folder.write("max", "{}" + std::string((1u << 20) - 2, ' '))), "");
  EXPECT_NE(load_error(folder.write("more", "{}" + std::string((1u << 20) - 1, ' '))).find("1 MiB"),
            std::string::npos);
}

}  // namespace
}  // namespace podium
