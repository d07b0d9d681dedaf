// A request's head and the framing of its body: cut anywhere, it is understood in the same way.

#include <algorithm>
#include <optional>
#include <string>

#include "base/failure.hpp"
#include "fuzz/fuzz.hpp"
#include "http/head.hpp"
#include "http/parser.hpp"
#include "http/status.hpp"

namespace {

using podium::fuzz::check;

/// What one reading came to.
struct Reading {
  std::size_t head = 0;
  int refused = 0;  ///< status
  bool complete = false;
  std::string method, target, body;
  std::size_t fields = 0;

  bool operator==(const Reading&) const = default;
};

/// The same bytes, arriving `piece` at a time.
Reading read(std::string_view bytes, std::size_t piece) {
  Reading reading;
  try {
    podium::HeadScanner scanner;
    std::size_t arrived = 0;
    while (reading.head == 0 && arrived < bytes.size()) {
      arrived = std::min(bytes.size(), arrived + piece);
      reading.head = scanner.scan(bytes.substr(0, arrived));
    }
    if (reading.head == 0) return reading;
    podium::MessageParser parser;
    const podium::RequestHead head = parser.parse_head(bytes.substr(0, reading.head));
    reading.method = head.method;
    reading.target = head.target;
    reading.fields = head.headers.size();
    check(!(head.chunked && head.content_length), "a body is framed in one way");
    check(head.headers.count("host") <= 1, "one Host at most");
    podium::query_value(head.query(), "detail");
    std::string raw(bytes.substr(reading.head));
    std::string pending;
    for (std::size_t at = 0; !parser.complete();) {
      const std::size_t used = parser.parse_body(pending, reading.body);
      pending.erase(0, used);
      if (used > 0 || parser.complete()) continue;
      if (at == raw.size()) break;
      const std::size_t more = std::min(piece, raw.size() - at);
      pending.append(raw, at, more);
      at += more;
    }
    reading.complete = parser.complete();
    if (head.content_length && reading.complete) {
      check(reading.body.size() == *head.content_length, "as long as it said");
    }
  } catch (const podium::Refusal& refusal) {
    reading = {};
    reading.refused = refusal.status();
    check(refusal.status() >= 400 && refusal.status() < 600, "a refusal has a status");
  } catch (const podium::Failure& failure) {
    reading = {};
    reading.refused = podium::http_status(failure.code());
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = podium::fuzz::text_of(data + 1, size - 1);
  const Reading whole = read(bytes, bytes.size() + 1);
  check(read(bytes, 1 + data[0] % 32) == whole, "in pieces as in one");
  return 0;
}
