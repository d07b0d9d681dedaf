/// Malformed and hostile requests on the wire: answered with a specific status, never run as
/// another request, never waited for for ever.

#include <sys/resource.h>

#include "http/answer.hpp"
#include "http/front.hpp"
#include "support/stalls.hpp"

namespace podium::test {
namespace {

using std::chrono::steady_clock;

class Wire : public Front {
 protected:
  /// Sends bytes and reads to the end: the answers, one after the other.
  std::string talk(const std::string& bytes) {
    Client client = connect();
    client.send(bytes);
    return client.read_all();
  }
  static std::size_t answers(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find("HTTP/1.1 "); at != std::string::npos;
         at = text.find("HTTP/1.1 ", at + 1)) {
      ++count;
    }
    return count;
  }
  static int status(const std::string& text) { return std::stoi(text.substr(9, 3)); }
};

TEST_F(Wire, EveryAnswerCarriesTheHeadersOfTheContract) {
  start();
  for (const std::string& request :
       {head("GET", "/health"), head("GET", "/nothing"),
        std::string("GET /exec HTTP/1.1\r\nHost: h\r\n\r\n"), std::string("broken\r\n\r\n")}) {
    const Received answer = ask(request);
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_EQ(answer.count("Keep-Alive"), 0u);
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer.header("X-Frame-Options"), "DENY");
    EXPECT_EQ(answer.header("Referrer-Policy"), "strict-origin-when-cross-origin");
    EXPECT_EQ(answer.header("Permissions-Policy"), "geolocation=(), microphone=(), camera=()");
    EXPECT_EQ(answer.header("Content-Security-Policy"), "default-src 'self'");
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    EXPECT_EQ(answer.header("X-Request-ID").size(), 21u);
    EXPECT_EQ(answer.header("Date").size(), 29u);
  }
}

TEST_F(Wire, ARequestIdThatEncodesAHeaderIsNotEchoed) {
  start();
  const Received answer =
      ask(head("GET", "/health", "X-Request-ID: =?utf-8?Q?abc=0D=0ASet-Cookie:_x=3D1?=\r\n"));

  EXPECT_EQ(answer.header("X-Request-ID").size(), 21u);
  EXPECT_EQ(answer.count("Set-Cookie"), 0u);
}

TEST_F(Wire, UnknownPathsAndMethodsAreToldAccordingToTheKey) {
  start();

  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(ask("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n").status, 401);
  EXPECT_EQ(ask("GET /exec HTTP/1.1\r\nHost: h\r\n\r\n").status, 401);
  const Received wrong = ask(head("GET", "/exec"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "POST");
  EXPECT_EQ(ask(head("TRACE", "/health")).header("Allow"), "GET, HEAD");
  EXPECT_EQ(ask(head("BREW", "/v1/files/x")).status, 405);
}

TEST_F(Wire, ABodyThatNobodyReadIsNotTheNextRequest) {
  start();
  const std::string smuggled = head("GET", "/health");

  const std::string text =
      talk(head("GET", "/health", "Content-Length: " + std::to_string(smuggled.size()) + "\r\n") +
           smuggled);

  EXPECT_EQ(answers(text), 1u);
}

TEST_F(Wire, AnErrorEndsTheConnectionWithItsUnreadBody) {
  config.http.keep_alive_exec = true;
  start();

  const std::string text =
      talk(head("POST", "/exec", "Content-Type: text/plain\r\nContent-Length: 400\r\n") +
           head("GET", "/health") + std::string(1000, 'x'));

  EXPECT_EQ(answers(text), 1u);
  EXPECT_EQ(status(text), 415);
}

TEST_F(Wire, RequestsBehindAnAnswerThatClosesAreNotServed) {
  start();

  EXPECT_EQ(answers(talk(head("GET", "/health") + head("GET", "/health"))), 1u);
}

TEST_F(Wire, AmbiguousFramingIsRefusedAndNothingBehindItIsServed) {
  config.http.keep_alive_exec = true;
  start();
  const std::string next = head("GET", "/health");
  for (const char* fields : {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                             "Content-Length: 5\r\nContent-Length: 6\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                             "Content-Length: 5\r\nX: y\r\n folded: z\r\n"}) {
    const std::string text = talk(head("POST", "/exec", fields) + "0\r\n\r\n" + next);
    EXPECT_EQ(status(text), 400) << fields;
    EXPECT_EQ(answers(text), 1u) << fields;
  }
  const std::string text =
      talk(head("POST", "/exec", "Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n" + next);
  EXPECT_EQ(status(text), 501);
  EXPECT_EQ(answers(text), 1u);
}

TEST_F(Wire, ABadChunkIsRefusedAndNothingBehindItIsServed) {
  config.http.keep_alive_exec = true;
  start();
  for (const char* body :
       {"z\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\nhello\n0\n\n", "FFFFFFFFFFFFFFFFFF\r\n"}) {
    const std::string text = talk(
        head("POST", "/exec", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
        body + head("GET", "/health"));
    EXPECT_EQ(status(text), 400) << body;
    EXPECT_EQ(answers(text), 1u) << body;
  }
}

TEST_F(Wire, AChunkLineWithoutEndIsBounded) {
  start();

  EXPECT_EQ(status(talk(head("POST", "/exec",
                             "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
                        "5;" + std::string(20'000, 'x'))),
            400);
}

TEST_F(Wire, APostWithoutLengthHasAnEmptyBodyAndWaitsForNothing) {
  start();

  EXPECT_EQ(status(talk(head("POST", "/exec", "Content-Type: application/json\r\n"))), 400);
}

TEST_F(Wire, AChunkedBodyIsReadToItsEndAndNoFurther) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  config.http.keep_alive_exec = true;
  start();
  const std::string body = exec_body();
  const std::string chunked =
      head("POST", "/exec", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
      "1\r\n{\r\n" + as_chunk(body.substr(1)) + "0\r\n\r\n";
  Client client = connect();
  client.send(chunked + head("GET", "/health"));

  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().json().find("status")->string(), "healthy");
}

TEST_F(Wire, ACutBodyIsNeverTakenForAWholeOne) {
  start();
  for (const std::string& request :
       {post("/exec", exec_body()),
        head("POST", "/exec", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
            "1e\r\n" + exec_body() + "\r\n0\r\n\r\n"}) {
    Client client = connect();
    client.send(request.substr(0, request.size() - 1));
    client.half_close();

    EXPECT_EQ(client.receive().status, 400);
  }
  EXPECT_EQ(runs.count(), 0u);
}

TEST_F(Wire, OneEmptyLineBeforeARequestIsForgiven) {
  start();

  EXPECT_EQ(status(talk("\r\n" + head("GET", "/health"))), 200);
  EXPECT_EQ(status(talk("\r\n\r\n" + head("GET", "/health"))), 400);
}

TEST_F(Wire, HeadIsAnsweredWithoutABody) {
  start();
  Client client = connect();
  client.send(head("HEAD", "/health"));

  const Received answer = client.receive(true);

  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.header("Content-Length"), "0");
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(Wire, OptionsForTheServerNeedsNoKey) {
  start();

  EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").status, 204);
}

TEST_F(Wire, ContinueIsSentOnlyWhenTheBodyWillBeRead) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  start();
  const std::string body = exec_body();
  Client client = connect();
  client.send(head("POST", "/exec",
                   "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(client.receive().status, 100);
  client.send(body);
  EXPECT_EQ(client.receive().status, 200);

  EXPECT_EQ(ask(head("POST", "/exec",
                     "Content-Type: application/json\r\nExpect: 100-continue\r\n"
                     "Content-Length: 99999999999\r\n"))
                .status,
            413);
  EXPECT_EQ(ask(head("POST", "/exec",
                     "Content-Type: text/plain\r\nExpect: 100-continue\r\n"
                     "Content-Length: 5\r\n"))
                .status,
            415);
}

TEST_F(Wire, AnAnswerReachesAClientThatIsStillSending) {
  start();
  Client client = connect();
  client.send(
      head("POST", "/exec", "Content-Type: application/json\r\nContent-Length: 99999999999\r\n"));
  const std::string more(1 << 20, 'x');

  for (int i = 0; i < 8; ++i) client.send(more);  // a reset would throw here or below

  EXPECT_EQ(client.receive().status, 413);
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(Wire, ASilentConnectionAndASlowHeadEnd) {
  config.http.head_timeout = milliseconds(100);
  start();
  Client silent = connect();
  Client slow = connect();
  slow.send("GET /health HTTP/1.1\r\nHo");

  EXPECT_TRUE(silent.closed_silently());
  EXPECT_EQ(slow.receive().status, 408);
}

TEST_F(Wire, AHeadThatTricklesInEndsToo) {
  config.http.head_timeout = milliseconds(150);
  start();
  Client client = connect();
  client.send("GET /health HTTP/1.1\r\n");
  const Stalls stalls;
  const auto began = steady_clock::now();

  // One byte whenever the server is silent for 20 ms: each read succeeds, the head never ends.
  pollfd readable{client.fd(), POLLIN, 0};
  while (::poll(&readable, 1, 20) == 0) client.try_send("x");

  EXPECT_EQ(client.receive().status, 408);
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(3) + stalls.lost());
}

TEST_F(Wire, ABodyBelowTheMinimumRateEnds) {
  config.http.head_timeout = milliseconds(100);
  config.http.body_rate = 1 << 20;
  start();
  Client client = connect();
  client.send(head("POST", "/exec", "Content-Type: application/json\r\nContent-Length: 1000\r\n"));

  pollfd readable{client.fd(), POLLIN, 0};
  while (::poll(&readable, 1, 20) == 0) client.try_send("x");

  EXPECT_EQ(client.receive().status, 408);
}

TEST_F(Wire, TheLimitOfConnectionsIsToldAndNotOverstepped) {
  config.http.max_connections = 2;
  start();
  Client one = connect(), two = connect();

  const Received refused = connect().receive();

  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Connection"), "close");
  EXPECT_EQ(refused.header("Retry-After"), "1");
}

TEST_F(Wire, ALimitOfOnePeerIsToldToo) {
  config.http.max_connections_per_peer = 1;
  start();
  Client one = connect();

  EXPECT_EQ(connect().receive().status, 503);
}

TEST_F(Wire, TenThousandBytesOfEveryKindEndInAnAnswerOrTheEnd) {
  start();
  unsigned seed = 1;
  for (int round = 0; round < 50; ++round) {
    std::string noise;
    for (int i = 0; i < 200; ++i)
      noise += static_cast<char>(seed = seed * 1103515245 + 12345, seed >> 16);
    Client client = connect();
    client.send(noise + "\r\n\r\n");
    EXPECT_EQ(status(client.read_all()), 400);
  }
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(Wire, RunningOutOfDescriptorsIsSurvived) {
  start();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  Client waiting = connect();
  get("/health");  // taken in after it: its descriptor is open before they run out
  std::vector<UniqueFd> hoard;
  const rlimit low{256, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  std::vector<UniqueFd> late;
  for (int i = 0; i < 4; ++i) late.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (int fd = ::dup(late[0].get()); fd >= 0; fd = ::dup(late[0].get())) hoard.emplace_back(fd);
  ASSERT_EQ(errno, EMFILE);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const UniqueFd& fd : late) {
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  // The first ones may take what an ending connection gives back; the last finds nothing.
  pollfd readable{late.back().get(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 30'000), 1) << "turned away at once, not left waiting";
  char text[64] = {};
  EXPECT_GT(::recv(late.back().get(), text, sizeof text - 1, 0), 0);
  EXPECT_EQ(std::string(text).substr(0, 12), "HTTP/1.1 503");

  late.clear();
  hoard.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  waiting.send(head("GET", "/health"));
  EXPECT_EQ(waiting.receive().status, 200);
  EXPECT_EQ(get("/health").status, 200);
}

}  // namespace
}  // namespace podium::test
