/// Heads, one by one: the list of fields, the scanner, the rules, ranges and names in headers.

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "http/answer.hpp"
#include "http/head.hpp"
#include "http/local_host.hpp"
#include "http/parser.hpp"
#include "http/range.hpp"
#include "http/routes.hpp"
#include "http/status.hpp"

namespace podium::test {
namespace {

RequestHead parse(const std::string& text) {
  HeadScanner scanner;
  const std::size_t end = scanner.scan(text);
  if (end != text.size()) throw std::runtime_error("the scanner saw no end");
  MessageParser parser;
  return parser.parse_head(text);
}

int refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
  return 0;
}

std::string get(const std::string& fields, const std::string& line = "GET / HTTP/1.1") {
  return line + "\r\n" + fields + "\r\n";
}

TEST(HeaderList, KeepsOrderAndDuplicates) {
  const RequestHead head =
      parse(get("Host: h\r\nSet-Cookie: a=1\r\nX-Other: o\r\nset-cookie: b=2\r\n"));

  std::vector<std::string> names;
  for (const HeaderField& field : head.headers) names.push_back(field.name + "=" + field.value);

  EXPECT_EQ(names,
            (std::vector<std::string>{"Host=h", "Set-Cookie=a=1", "X-Other=o", "set-cookie=b=2"}));
  EXPECT_EQ(head.headers.all("SET-COOKIE"), (std::vector<std::string>{"a=1", "b=2"}));
}

TEST(HeaderList, KeepsOrderAndDuplicatesOnTheWayOut) {
  Answer answer;
  answer.headers.add("Link", "<a>");
  answer.headers.add("X-Between", "1");
  answer.headers.add("Link", "<b>");
  HeadFacts facts;
  facts.request_id = "id";

  const std::string text = serialize_head(answer, facts);

  EXPECT_NE(text.find("Link: <a>\r\nX-Between: 1\r\nLink: <b>\r\n"), std::string::npos);
}

TEST(HeaderList, TakesNothingThatWouldAddAHeaderOfItsOwn) {
  HeaderList list;

  EXPECT_THROW(list.add("X", "a\r\nSet-Cookie: b"), Failure);
  EXPECT_THROW(list.add("X", std::string("a\0b", 3)), Failure);
  EXPECT_THROW(list.add("X: y", "a"), Failure);
  EXPECT_EQ(list.size(), 0u);
}

TEST(HeadRules, WantExactlyOneHost) {
  EXPECT_EQ(refusal(get("")), 400);
  EXPECT_EQ(refusal(get("Host: a\r\nHost: a\r\n")), 400);
  EXPECT_EQ(refusal(get("Host: a b\r\n")), 400);
  EXPECT_EQ(refusal(get("Host: user@a\r\n")), 400);
  EXPECT_EQ(refusal(get("Host: a/b\r\n")), 400);
  EXPECT_EQ(refusal(get("", "GET / HTTP/1.0")), 0);
  EXPECT_EQ(refusal(get("Host: [::1]:80\r\n")), 0);
}

TEST(HeadRules, WantOriginForm) {
  const std::string host = "Host: h\r\n";
  EXPECT_EQ(refusal(get(host, "GET http://h/ HTTP/1.1")), 400);
  EXPECT_EQ(refusal(get(host, "CONNECT h:80 HTTP/1.1")), 400);
  EXPECT_EQ(refusal(get(host, "GET * HTTP/1.1")), 400);
  EXPECT_EQ(refusal(get(host, "OPTIONS * HTTP/1.1")), 0);
  EXPECT_EQ(refusal(get(host, "GET /a#b HTTP/1.1")), 400);
  EXPECT_EQ(refusal(get(host, "GET /\xC3\xA9 HTTP/1.1")), 400);
  EXPECT_EQ(refusal(get(host, "GET /a b HTTP/1.1")), 505) << "what follows the space is no version";
  EXPECT_EQ(refusal(get(host, "GET  / HTTP/1.1")), 400);
}

TEST(HeadRules, ServeTwoVersions) {
  EXPECT_EQ(refusal(get("Host: h\r\n", "GET / HTTP/2.0")), 505);
  EXPECT_EQ(refusal(get("Host: h\r\n", "GET / HTTP/1.2")), 505);
  EXPECT_EQ(refusal(get("Host: h\r\n", "GET /")), 400);
  EXPECT_EQ(refusal(get("Host: h\r\n", "garbage")), 400);
}

TEST(HeadRules, RefuseEveryAmbiguousFraming) {
  const auto post = [](const std::string& fields, const std::string& version = "1.1") {
    return refusal(get("Host: h\r\n" + fields, "POST / HTTP/" + version));
  };
  EXPECT_EQ(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: +5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: -5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 0x5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length:\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 99999999999999999999\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: chunked\r\n", "1.0"), 400);
  EXPECT_EQ(post("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding: chunked, chunked\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding: \"chunked\"\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding: identity\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding:\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding:\tCHUNKED\r\n"), 0);
  EXPECT_EQ(post("Content-Length: 5\r\n"), 0);
  EXPECT_EQ(post("Expect: something\r\n"), 417);
  EXPECT_EQ(post("Content-Encoding: gzip\r\n"), 415);
}

TEST(HeadRules, RefuseBrokenLines) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\n\tX: a\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: h\n\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"), 400);
  EXPECT_EQ(refusal(std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 35)), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nX: \x1B[31m\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400);
}

TEST(HeadRules, BoundHeads) {
  EXPECT_EQ(refusal(get("Host: h\r\n", "GET /" + std::string(9000, 'a') + " HTTP/1.1")), 414);
  EXPECT_EQ(refusal(get("Host: h\r\nX: " + std::string(20000, 'a') + "\r\n")), 431);
  std::string many = "Host: h\r\n";
  for (int i = 0; i < 101; ++i) many += "X: 1\r\n";
  EXPECT_EQ(refusal(get(many)), 431);
}

TEST(HeadScanner, FindsTheEndInBytesThatComeOneByOne) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  HeadScanner scanner;

  for (std::size_t i = 0; i < text.size(); ++i) EXPECT_EQ(scanner.scan(text.substr(0, i)), 0u) << i;
  EXPECT_EQ(scanner.scan(text + "rest"), text.size());
}

TEST(KeepAlive, IsWhatTheClientSays) {
  EXPECT_TRUE(parse(get("Host: h\r\n")).keep_alive);
  EXPECT_FALSE(parse(get("Host: h\r\nConnection: x, CLOSE\r\n")).keep_alive);
  EXPECT_FALSE(parse(get("Host: h\r\n", "GET / HTTP/1.0")).keep_alive);
}

/// Decodes a body given in pieces.
std::string decode(const std::string& body, std::size_t piece) {
  MessageParser parser;
  parser.parse_head("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string waiting, out;
  for (std::size_t i = 0; i < body.size(); i += piece) {
    waiting += body.substr(i, piece);
    std::size_t used = 1;
    while (used > 0 && !parser.complete()) {
      used = parser.parse_body(waiting, out);
      waiting.erase(0, used);
    }
  }
  if (!parser.complete()) throw std::runtime_error("incomplete");
  return out + "|" + waiting;
}

TEST(ChunkedBody, IsDecodedHoweverItArrives) {
  const std::string body =
      "5\r\nhello\r\n6;name=\"va;lue\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET";
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    EXPECT_EQ(decode(body, piece).substr(0, 12), "hello world|") << piece;
  }
}

TEST(ChunkedBody, MayBeEmptyHoweverItArrives) {
  for (const std::size_t piece : {1u, 2u, 3u, 4u, 1000u}) {
    EXPECT_EQ(decode("0\r\n\r\n", piece), "|") << piece;
    EXPECT_THROW(decode("0\r\n;x=y\r\nabc", piece), std::runtime_error) << piece;
  }
}

TEST(ChunkedBody, MustBeWellFormedToItsEnd) {
  for (const char* bad : {"z\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5\nhello\n0\n\r\n",
                          "-5\r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n",
                          "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n"}) {
    EXPECT_THROW(decode(bad, 1000), Refusal) << bad;
  }
  EXPECT_THROW(decode("5\r\nhello\r\n", 1000), std::runtime_error);
  EXPECT_THROW(decode("5\r\nhello\r\n0\r\n", 1000), std::runtime_error);
}

TEST(RequestId, IsEchoedOnlyInItsForm) {
  const std::string good = "a.B_9-", bad = "a\"b", encoded = "=?utf-8?Q?x?=", longer(65, 'a');
  EXPECT_EQ(choose_request_id(&good), good);
  for (const std::string* value : {&bad, &encoded, &longer}) {
    EXPECT_NE(choose_request_id(value), *value);
    EXPECT_EQ(choose_request_id(value).size(), 21u);
  }
  EXPECT_EQ(choose_request_id(nullptr).size(), 21u);
}

TEST(Query, IsDecoded) {
  EXPECT_EQ(query_value("a=1&detail=sum%6Dary&b", "detail"), "summary");
  EXPECT_EQ(query_value("a=x+y%2", "a"), "x y%2");
  EXPECT_EQ(query_value("b", "b"), "");
  EXPECT_EQ(query_value("", "b"), std::nullopt);
}

TEST(Range, IsOnePartOrNothing) {
  using Kind = RangeAnswer::Kind;
  const auto is = [](std::string_view header, std::uint64_t size, Kind kind,
                     std::uint64_t first = 0, std::uint64_t length = 0) {
    const RangeAnswer answer = parse_range(header, size);
    return answer.kind == kind && answer.range.first == first && answer.range.length == length;
  };
  EXPECT_TRUE(is("bytes=0-0", 10, Kind::kPart, 0, 1));
  EXPECT_TRUE(is("bytes=2-", 10, Kind::kPart, 2, 8));
  EXPECT_TRUE(is("bytes=-3", 10, Kind::kPart, 7, 3));
  EXPECT_TRUE(is("bytes=-30", 10, Kind::kPart, 0, 10));
  EXPECT_TRUE(is("bytes=5-99", 10, Kind::kPart, 5, 5));
  EXPECT_TRUE(is("bytes=10-", 10, Kind::kUnsatisfiable));
  EXPECT_TRUE(is("bytes=-0", 10, Kind::kUnsatisfiable));
  EXPECT_TRUE(is("bytes=0-", 0, Kind::kUnsatisfiable));
  for (const char* ignored : {"", "lines=0-1", "bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,4-5",
                              "bytes=a-b", "bytes=1-x", "bytes=99999999999999999999-"}) {
    EXPECT_TRUE(is(ignored, 10, Kind::kWhole)) << ignored;
  }
}

TEST(ContentDisposition, CarriesAnyNameWithoutBreakingOut) {
  EXPECT_EQ(content_disposition("dir/a b.csv"),
            "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv");
  EXPECT_EQ(content_disposition("\"q\\\n\xC3\xA9%"),
            "attachment; filename=\"_q____\"; filename*=UTF-8''%22q%5C%0A%C3%A9%25");
}

TEST(Routes, AreServedBareAndUnderV1AndTellWhatTheyAllow) {
  std::vector<std::string> parameters;
  EXPECT_NE(match_route("POST", "/exec", parameters).route, nullptr);
  EXPECT_NE(match_route("POST", "/v1/exec", parameters).route, nullptr);
  EXPECT_NE(match_route("POST", "//exec", parameters).route, nullptr);
  EXPECT_NE(match_route("HEAD", "/v1/files/a", parameters).route, nullptr);
  EXPECT_EQ(parameters, std::vector<std::string>{"a"});
  EXPECT_FALSE(match_route("GET", "/v1/v1/exec", parameters).known);
  EXPECT_FALSE(match_route("GET", "/download/../a/b", parameters).known);
  EXPECT_EQ(match_route("PUT", "/exec", parameters).allowed, "POST");
  EXPECT_EQ(match_route("PUT", "/download/a/b", parameters).allowed, "GET, HEAD, OPTIONS");
}

TEST(HexByte, IsTheByteOfTwoDigitsAndOfNothingElse) {
  EXPECT_EQ(hex_byte("00"), 0);
  EXPECT_EQ(hex_byte("fF"), 255);
  EXPECT_EQ(hex_byte("4a"), 0x4a);
  for (const char* wrong : {"", "4", "4g", "g4", "4a4", "%4"})
    EXPECT_EQ(hex_byte(wrong), -1) << wrong;
}

TEST(OriginHost, IsWhatStandsBehindTheScheme) {
  EXPECT_EQ(origin_host("https://podium.internal:8000"), "podium.internal:8000");
  EXPECT_EQ(origin_host("null"), "");
}

}  // namespace
}  // namespace podium::test
