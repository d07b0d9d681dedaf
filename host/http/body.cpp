#include "http/body.hpp"

#include "base/failure.hpp"
#include "http/connection.hpp"
#include "http/status.hpp"

namespace podium {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
// No legal line of a chunked body is longer; also bounds the trailer.
constexpr std::size_t kMaxUndecoded = 16 * 1024;

}  // namespace

BodyReader::BodyReader(Connection& connection, MessageParser& parser, const RequestHead& head,
                       const HttpConfig& http)
    : connection_(connection),
      parser_(parser),
      http_(http),
      continue_pending_(head.expects_continue && head.has_body()),
      announced_(head.content_length.value_or(0)) {}

void BodyReader::limit(std::uint64_t most) {
  most_ = most;
  if (announced_ > most) {
    throw Failure(Code::kTooLarge, "the request body has " + std::to_string(announced_) +
                                       " bytes, at most " + std::to_string(most) + " are read");
  }
}

Task<bool> BodyReader::next(std::string& piece) {
  piece.clear();
  while (piece.empty() && !parser_.complete()) {
    std::string& input = connection_.input();
    const std::size_t used = parser_.parse_body(input, piece);
    input.erase(0, used);
    if (!piece.empty() || parser_.complete()) break;
    if (used == 0 && input.size() >= kMaxUndecoded) {
      throw Refusal(400, "a line of the chunked body is too long");
    }
    co_await fill();
  }
  received_ += piece.size();
  if (received_ > most_) {
    throw Failure(Code::kTooLarge,
                  "the request body has more than " + std::to_string(most_) + " bytes");
  }
  co_return !piece.empty();
}

/// Waits for more bytes. After the grace of a head's time-out the sender must have reached the
/// minimum rate.
Task<> BodyReader::fill() {
  using std::chrono::nanoseconds;
  if (continue_pending_ && connection_.input().empty()) {
    continue_pending_ = false;
    co_await connection_.send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  continue_pending_ = false;
  const double allowed_s =
      static_cast<double>(raw_) / static_cast<double>(std::max<Bytes>(1, http_.body_rate));
  const auto allowed = nanoseconds(http_.head_timeout) +
                       nanoseconds(static_cast<std::int64_t>(std::min(allowed_s, 1e9) * 1e9));
  const auto began = Connection::Clock::now();
  connection_.set_deadline(began + (allowed - waited_));
  const std::size_t before = connection_.input().size();
  const bool more = co_await connection_.receive(kPiece);
  waited_ += Connection::Clock::now() - began;
  raw_ += connection_.input().size() - before;
  const bool late = connection_.timed_out();
  connection_.clear_deadline();
  if (more) co_return;
  if (late) throw Refusal(408, "the request body arrives too slowly");
  cut_ = true;
  throw Refusal(400, "the request body ended before its announced end");
}

}  // namespace podium
