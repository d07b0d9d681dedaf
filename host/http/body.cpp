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
      chunked_(head.chunked),
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
    take_from_input(piece);
    if (!piece.empty() || parser_.complete()) break;
    const std::size_t got = co_await fill();
    connection_.input().append(buffer_.get(), got);
  }
  count(piece.size());
  co_return !piece.empty();
}

Task<std::string_view> BodyReader::next() {
  std::string_view content;
  while (content.empty() && !parser_.complete()) {
    if (chunked_ || !connection_.input().empty()) {  // the rest of the piece that held the head
      const bool more = co_await next(piece_);
      co_return more ? std::string_view(piece_) : std::string_view();
    }
    piece_ = std::string();
    const std::size_t got = co_await fill();
    const std::string_view raw(buffer_.get(), got);
    const std::size_t used = parser_.parse_plain_body(raw, content);
    connection_.input().append(raw.substr(used));  // of the next request
  }
  count(content.size());
  co_return content;
}

/// Decodes what has arrived.
void BodyReader::take_from_input(std::string& piece) {
  std::string& input = connection_.input();
  const std::size_t used = parser_.parse_body(input, piece);
  input.erase(0, used);
  if (piece.empty() && !parser_.complete() && used == 0 && input.size() >= kMaxUndecoded) {
    throw Refusal(400, "a line of the chunked body is too long");
  }
}

void BodyReader::count(std::size_t bytes) {
  received_ += bytes;
  if (received_ <= most_) return;
  throw Failure(Code::kTooLarge,
                "the request body has more than " + std::to_string(most_) + " bytes");
}

/// Waits for more bytes and reads them into buffer_; how many. After the grace of a head's time-out
/// the sender must have reached the minimum rate.
Task<std::size_t> BodyReader::fill() {
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
  const std::size_t got = co_await connection_.receive(buffer_, kPiece);
  waited_ += Connection::Clock::now() - began;
  raw_ += got;
  const bool late = connection_.timed_out();
  connection_.clear_deadline();
  if (got > 0) co_return got;
  if (late) throw Refusal(408, "the request body arrives too slowly");
  cut_ = true;
  throw Refusal(400, "the request body ended before its announced end");
}

}  // namespace podium
