#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "exec/async.hpp"
#include "http/parser.hpp"

namespace podium {

class Connection;

/// The body of one request, read piece by piece. I/O thread.
///
/// `100 Continue` is sent only when the first piece is asked for and nothing of it is there yet. A
/// sender who falls below the minimum rate is told 408; time during which nobody asks for the next
/// piece is not counted against it.
class BodyReader {
 public:
  /// What is borrowed lives as long as the reader.
  BodyReader(Connection& connection, MessageParser& parser, const RequestHead& head,
             const HttpConfig& http);

  /// Refuses a body longer than this, at once when its length was announced: Failure(kTooLarge).
  void limit(std::uint64_t most);

  /// Replaces `piece` by the next bytes of the body; false when the body has ended and there are
  /// none. Throws Refusal 400 (bad chunks, cut short), 408, Failure(kTooLarge), ClientGone.
  Task<bool> next(std::string& piece);

  /// The same without a copy where there is none to be made: the next bytes, valid until the next
  /// call; empty at the end of the body.
  Task<std::string_view> next();

  /// Every byte of the body has been read.
  bool complete() const noexcept { return parser_.complete(); }
  std::uint64_t received() const noexcept { return received_; }
  /// The client ended its stream within the body.
  bool cut() const noexcept { return cut_; }

 private:
  Task<std::size_t> fill();
  void take_from_input(std::string& piece);
  void count(std::size_t bytes);

  Connection& connection_;
  MessageParser& parser_;
  const HttpConfig& http_;
  const bool chunked_;
  bool continue_pending_;
  bool cut_ = false;
  std::uint64_t announced_;
  std::uint64_t most_ = ~std::uint64_t{0};
  std::uint64_t received_ = 0;          // of content
  std::uint64_t raw_ = 0;               // on the wire
  std::chrono::nanoseconds waited_{0};  // for the sender
  std::unique_ptr<char[]> buffer_;      // what next() gave last points there
  std::string piece_;                   // or there
};

}  // namespace podium
