#include "cli/exec.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/failure.hpp"
#include "cli/event_reader.hpp"
#include "cli/fake_daemon.hpp"
#include "cli/runs.hpp"
#include "cli/status.hpp"
#include "support/temp_folder.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResult =
    R"({"session_id":"S","stdout":"out\n","stderr":"err\n","files":[],"code":0,"signal":null,)"
    R"("status":"completed","wall_time":1500,"cpu_time":20,"memory_peak":1048576})";

/// The answer of a daemon that streams: what the result says was printed, then the result.
std::string stream_of(const std::string& result) {
  const Json json = json_parse(result);
  std::string body = "id: 1\nevent: start\ndata: {\"run_id\":\"R\"}\n\n: keep-alive\n\n";
  for (const char* stream : {"stdout", "stderr"}) {
    const Json* text = json.find(stream);
    if (text == nullptr || text->string().empty()) continue;
    body += "id: 2\nevent: " + std::string(stream) +
            "\ndata: " + json_dump(Json::object({{"text", *text}})) + "\n\n";
  }
  body += "id: 3\nevent: end\ndata: " + result + "\n\n";
  return FakeDaemon::answer(200, body, "Content-Type: text/event-stream\r\n");
}

/// A folder of this process alone: each test is one.
const std::filesystem::path& output_folder() {
  static const test::TempFolder kFolder;
  return kFolder.path();
}

std::string text_file(const std::string& name, const std::string& text) {
  const std::string path = output_folder() / name;
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
  FakeDaemon daemon({stream_of(kResult)});

  const int code = run(daemon);

  EXPECT_EQ(code, 0);
  EXPECT_EQ(out_.str(), "out\n");
  EXPECT_EQ(err_.str(), "err\npodium: completed in 1.50 s (processor 20 ms, memory 1.0 MiB)\n");
  const std::string& request = daemon.requests().at(0);
  EXPECT_EQ(request.substr(0, request.find("\r\n")), "POST /exec/stream HTTP/1.1");
  EXPECT_NE(request.find("X-API-Key: sk-key\r\n"), std::string::npos);
  EXPECT_EQ(body_of(request), json_parse(R"({"lang":"bash","code":"echo out"})"));
}

TEST_F(ExecCommandTest, PassesArgumentsAndTimeout) {
  FakeDaemon daemon({stream_of(kResult)});
  options_.arguments = {"a b", ""};
  options_.timeout = milliseconds(1500);

  run(daemon);

  const Json body = body_of(daemon.requests().at(0));
  EXPECT_EQ(*body.find("args"), json_parse(R"(["a b",""])"));
  EXPECT_EQ(*body.find("timeout"), Json(1500));
}

TEST_F(ExecCommandTest, ShowsOutputAsItComesAndTheRestOfStderrAtTheEnd) {
  FakeDaemon daemon({FakeDaemon::answer(
      200,
      "event: stdout\ndata: {\"text\":\"a\"}\n\nevent: stderr\ndata: {\"text\":\"e\\n\"}\n\n"
      "event: stdout\ndata: {\"text\":\"b\"}\n\nevent: dropped\n"
      "data: {\"stream\":\"stdout\",\"bytes\":7}\n\nevent: end\ndata: "
      "{\"session_id\":\"S\",\"stdout\":\"ab1234567\",\"stderr\":\"warning: w\\ne\\nIts time ran "
      "out.\\n\",\"files\":[],\"code\":null,\"status\":\"timed_out\"}\n\n",
      "Content-Type: text/event-stream\r\n")});
  options_.quiet = true;

  EXPECT_EQ(run(daemon), kTimedOut);

  EXPECT_EQ(out_.str(), "ab");
  EXPECT_EQ(err_.str(),
            "e\npodium: 7 bytes of stdout came too fast to be shown\nwarning: w\n"
            "Its time ran out.\n");
}

TEST_F(ExecCommandTest, SaysThatAnAnswerBrokeOff) {
  FakeDaemon daemon({FakeDaemon::answer(
      200, "event: start\ndata: {\"run_id\":\"R1\"}\n\nevent: end\ndata: {\"std",
      "Content-Type: text/event-stream\r\n")});

  EXPECT_NE(failure(daemon).find("broke off before the end of the run R1"), std::string::npos);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ExecCommandTest, UploadsFilesByTheirLastComponentAndRefersToThem) {
  FakeDaemon daemon({FakeDaemon::answer(200, R"({"message":"success","session_id":"S1","files":)"
                                             R"([{"fileId":"F1","filename":"a \"b\".csv"}]})"),
                     stream_of(kResult)});
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

  options_.files = {output_folder()};
  EXPECT_NE(failure(daemon).find("is not a file"), std::string::npos);
}

constexpr const char* kResultWithFile =
    R"({"session_id":"S","stdout":"","stderr":"","status":"completed","code":0,)"
    R"("files":[{"id":"F","name":"plots/a.png","session_id":"S"}]})";

TEST_F(ExecCommandTest, SavesResultFilesBelowTheFolder) {
  FakeDaemon daemon({stream_of(kResultWithFile), FakeDaemon::answer(200, "PNG")});
  options_.out = output_folder() / "saved";
  json_ = true;

  run(daemon);

  EXPECT_EQ(content_of(options_.out / "plots/a.png"), "PNG");
  EXPECT_EQ(daemon.requests().at(1).substr(0, 17), "GET /download/S/F");
  const Json result = json_parse(out_.str());
  EXPECT_EQ(*result.find("files")->items().at(0).find("saved"),
            Json((options_.out / "plots/a.png").string()));
}

TEST_F(ExecCommandTest, KeepsNoPartOfADownloadThatBreaksOff) {
  FakeDaemon daemon(
      {stream_of(kResultWithFile), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"});
  options_.out = output_folder() / "broken";

  EXPECT_NE(failure(daemon).find("broke off"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(options_.out / "plots"));
}

TEST_F(ExecCommandTest, WritesNothingOutsideOfTheFolderWhateverTheDaemonNames) {
  FakeDaemon daemon(
      {stream_of(R"({"session_id":"S","stdout":"","files":[{"id":"F","name":"../evil"}]})")});
  options_.out = output_folder() / "inside";

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
  FakeDaemon daemon({stream_of(R"({"session_id":"S","stdout":"","stderr":"no room\n","files":[],)"
                               R"("status":"failed","error":"no room"})")});

  EXPECT_NE(failure(daemon).find("no room"), std::string::npos);
  EXPECT_EQ(err_.str().substr(0, 8), "no room\n");
}

TEST_F(ExecCommandTest, TakesNoOtherServerForPodium) {
  FakeDaemon daemon({FakeDaemon::answer(200, R"({"hello":"world"})")});

  EXPECT_NE(failure(daemon).find("is this podiumd?"), std::string::npos);
}

TEST(EventReader, ReadsEventsAndPassesOverCommentsAndWhatIsNotComplete) {
  std::istringstream in(
      ": hello\n\nid: 7\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\nevent: b\ndata: x");
  EventReader reader(in);
  ServerEvent event;

  ASSERT_TRUE(reader.next(event));
  EXPECT_EQ(event.id + event.name + event.data, "7a1\n2");
  EXPECT_FALSE(reader.next(event));
}

TEST(Runs, ArePrintedAsATableAndCancelledById) {
  FakeDaemon daemon({FakeDaemon::answer(200, R"({"runs":[{"run_id":"R1","lang":"py","stage":)"
                                             R"("queued","position":2,"age_ms":1500,)"
                                             R"("principal":"me"}]})"),
                     FakeDaemon::answer(200, R"({"message":"cancelled","run_id":"R1"})")});
  std::istringstream in;
  std::ostringstream out, err;
  Console console{in, out, err, false};
  const Client client({daemon.url(), "", ""});

  EXPECT_EQ(run_runs(client, console), 0);
  EXPECT_EQ(run_cancel("R1", client, console), 0);

  EXPECT_NE(out.str().find("R1                     py    queued      2         1.50 s      me"),
            std::string::npos)
      << out.str();
  EXPECT_EQ(daemon.requests().at(1).substr(0, 15), "DELETE /runs/R1");
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
  FakeDaemon daemon({FakeDaemon::answer(503, R"({"status":"unhealthy","version":"9","plugins":)"
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
