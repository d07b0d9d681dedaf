#include "cli/exec.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/failure.hpp"
#include "cli/fake_daemon.hpp"
#include "cli/status.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResult =
    R"({"session_id":"S","stdout":"out\n","stderr":"err\n","files":[],"code":0,"signal":null,)"
    R"("status":"completed","wall_time":1500,"cpu_time":20,"memory_peak":1048576})";

std::string text_file(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Json body_of(const std::string& request) {
  return json_parse(request.substr(request.find("\r\n\r\n") + 4));
}

class ExecCommandTest : public testing::Test {
 protected:
  ExecCommandTest() { options_.source = "-", options_.language = "bash"; }

  int run(FakeDaemon& daemon) {
    std::istringstream in("echo out");
    out_.str("");
    err_.str("");
    Console console{in, out_, err_, json_};
    return run_exec(options_, Client({daemon.url(), "sk-key", "--key"}), console);
  }

  std::string failure(FakeDaemon& daemon) {
    try {
      run(daemon);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "none";
  }

  ExecOptions options_;
  std::ostringstream out_, err_;
  bool json_ = false;
};

TEST_F(ExecCommandTest, SendsTheProgramWithItsKeyAndPrintsBothStreams) {
  FakeDaemon daemon({FakeDaemon::answer(200, kResult)});

  const int code = run(daemon);

  EXPECT_EQ(code, 0);
  EXPECT_EQ(out_.str(), "out\n");
  EXPECT_EQ(err_.str(),
            "err\npodium: completed in 1.50 s (processor 20 ms, memory 1.0 MiB)\n");
  const std::string& request = daemon.requests().at(0);
  EXPECT_EQ(request.substr(0, request.find("\r\n")), "POST /exec HTTP/1.1");
  EXPECT_NE(request.find("X-API-Key: sk-key\r\n"), std::string::npos);
  EXPECT_EQ(body_of(request), json_parse(R"({"lang":"bash","code":"echo out"})"));
}

TEST_F(ExecCommandTest, PassesArgumentsAndTimeout) {
  FakeDaemon daemon({FakeDaemon::answer(200, kResult)});
  options_.arguments = {"a b", ""};
  options_.timeout = milliseconds(1500);

  run(daemon);

  const Json body = body_of(daemon.requests().at(0));
  EXPECT_EQ(*body.find("args"), json_parse(R"(["a b",""])"));
  EXPECT_EQ(*body.find("timeout"), Json(1500));
}

TEST_F(ExecCommandTest, ReadsAnAnswerThatBeganWithBeats) {
  FakeDaemon daemon({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n1\r\n \r\n" +
                     [] {
                       std::ostringstream chunk;
                       chunk << std::hex << std::string(kResult).size() << "\r\n" << kResult;
                       return chunk.str();
                     }() +
                     "\r\n0\r\n\r\n"});

  EXPECT_EQ(run(daemon), 0);
  EXPECT_EQ(out_.str(), "out\n");
}

TEST_F(ExecCommandTest, SaysThatAnAnswerBrokeOff) {
  FakeDaemon daemon({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n5\r\n{\"st"});

  EXPECT_NE(failure(daemon), "none");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ExecCommandTest, UploadsFilesByTheirLastComponentAndRefersToThem) {
  FakeDaemon daemon({FakeDaemon::answer(200, R"({"message":"success","session_id":"S1","files":)"
                                             R"([{"fileId":"F1","filename":"a \"b\".csv"}]})"),
                     FakeDaemon::answer(200, kResult)});
  options_.files = {text_file("a \"b\".csv", std::string("x\0y", 3))};

  run(daemon);

  const std::string& upload = daemon.requests().at(0);
  EXPECT_EQ(upload.substr(0, upload.find("\r\n")), "POST /upload HTTP/1.1");
  EXPECT_NE(upload.find("name=\"file\"; filename=\"a %22b%22.csv\"\r\n"), std::string::npos);
  EXPECT_NE(upload.find(std::string("\r\n\r\nx\0y\r\n--podium-", 16)), std::string::npos);
  EXPECT_EQ(*body_of(daemon.requests().at(1)).find("files"),
            json_parse(R"([{"id":"F1","name":"a \"b\".csv","session_id":"S1"}])"));
}

TEST_F(ExecCommandTest, RefusesTwoFilesOfOneNameAndWhatIsNoFile) {
  FakeDaemon daemon({});
  options_.files = {"a/x.csv", "b/x.csv"};
  EXPECT_NE(failure(daemon).find("two files are named x.csv"), std::string::npos);

  options_.files = {testing::TempDir()};
  EXPECT_NE(failure(daemon).find("is not a file"), std::string::npos);
}

constexpr const char* kResultWithFile =
    R"({"session_id":"S","stdout":"","stderr":"","status":"completed","code":0,)"
    R"("files":[{"id":"F","name":"plots/a.png","session_id":"S"}]})";

TEST_F(ExecCommandTest, SavesResultFilesBelowTheFolder) {
  FakeDaemon daemon({FakeDaemon::answer(200, kResultWithFile), FakeDaemon::answer(200, "PNG")});
  options_.out = testing::TempDir() + "saved";
  json_ = true;

  run(daemon);

  EXPECT_EQ(content_of(options_.out / "plots/a.png"), "PNG");
  EXPECT_EQ(daemon.requests().at(1).substr(0, 17), "GET /download/S/F");
  const Json result = json_parse(out_.str());
  EXPECT_EQ(*result.find("files")->items().at(0).find("saved"),
            Json((options_.out / "plots/a.png").string()));
}

TEST_F(ExecCommandTest, KeepsNoPartOfADownloadThatBreaksOff) {
  FakeDaemon daemon({FakeDaemon::answer(200, kResultWithFile),
                     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"});
  options_.out = testing::TempDir() + "broken";

  EXPECT_NE(failure(daemon).find("broke off"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(options_.out / "plots"));
}

TEST_F(ExecCommandTest, WritesNothingOutsideOfTheFolderWhateverTheDaemonNames) {
  FakeDaemon daemon({FakeDaemon::answer(
      200, R"({"session_id":"S","stdout":"","files":[{"id":"F","name":"../evil"}]})")});
  options_.out = testing::TempDir() + "inside";

  EXPECT_NE(failure(daemon), "none");
  EXPECT_EQ(daemon.requests().size(), 1u);
}

TEST_F(ExecCommandTest, SaysWhatTheDaemonRefusedAndUnderWhichId) {
  FakeDaemon daemon({FakeDaemon::answer(400, R"({"error":"Unsupported language: cobol"})",
                                        "X-Request-ID: R7\r\n")});

  const std::string message = failure(daemon);

  EXPECT_NE(message.find("refused (400): Unsupported language: cobol [request R7]"),
            std::string::npos)
      << message;
}

TEST_F(ExecCommandTest, SaysWhereTheKeyCameFromThatIsRefused) {
  FakeDaemon daemon({FakeDaemon::answer(401, R"({"error":"wrong key"})")});

  EXPECT_EQ(failure(daemon), "podiumd refuses the key from --key: wrong key");
}

TEST_F(ExecCommandTest, PrintsAResultThatHoldsALateErrorAndStillFails) {
  FakeDaemon daemon({FakeDaemon::answer(
      200, R"({"session_id":"S","stdout":"","stderr":"no room\n","files":[],"status":"failed",)"
           R"("error":"no room"})")});

  EXPECT_NE(failure(daemon).find("no room"), std::string::npos);
  EXPECT_EQ(err_.str().substr(0, 8), "no room\n");
}

TEST_F(ExecCommandTest, TakesNoOtherServerForPodium) {
  FakeDaemon daemon({FakeDaemon::answer(200, R"({"hello":"world"})")});

  EXPECT_NE(failure(daemon).find("is this podiumd?"), std::string::npos);
}

TEST(ExitCode, IsTheProgramsOrTellsHowItEnded) {
  const auto code = [](const char* json) { return exit_code_of(json_parse(json)); };

  EXPECT_EQ(code(R"({"status":"completed","code":0})"), 0);
  EXPECT_EQ(code(R"({"status":"failed","code":3})"), 3);
  EXPECT_EQ(code(R"({"status":"signaled","code":null,"signal":"SIGSEGV"})"), 139);
  EXPECT_EQ(code(R"({"status":"out_of_memory","code":null,"signal":"SIGKILL"})"), 137);
  EXPECT_EQ(code(R"({"status":"timed_out","code":null,"signal":"SIGKILL"})"), kTimedOut);
  EXPECT_EQ(code(R"({"status":"cancelled","code":null,"signal":null})"), kOwnFailure);
}

TEST(ReadableText, HasUnitsThatPeopleUse) {
  EXPECT_EQ(readable_time(7), "7 ms");
  EXPECT_EQ(readable_time(1950), "1.95 s");
  EXPECT_EQ(readable_size(640), "640 B");
  EXPECT_EQ(readable_size(1.5 * 1024 * 1024), "1.5 MiB");
}

TEST(Status, ShowsTheFactsOfAnUnhealthyDaemonAndEndsWithOne) {
  FakeDaemon daemon({FakeDaemon::answer(503,
                                        R"({"status":"unhealthy","version":"9","plugins":)"
                                        R"({"files":{"status":"unhealthy"}}})")});
  std::istringstream in;
  std::ostringstream out, err;
  Console console{in, out, err, false};

  const int code = run_status(Client({daemon.url(), "", ""}), console);

  EXPECT_EQ(code, 1);
  EXPECT_NE(out.str().find("files        unhealthy"), std::string::npos) << out.str();
}

TEST(Status, TellsADaemonThatIsShuttingDownFromOneThatIsUnhealthy) {
  FakeDaemon daemon({FakeDaemon::answer(503, R"({"error":"shutting down"})")});
  std::istringstream in;
  std::ostringstream out, err;
  Console console{in, out, err, false};

  EXPECT_THROW(run_status(Client({daemon.url(), "", ""}), console), Failure);
}

}  // namespace
}  // namespace podium::cli
