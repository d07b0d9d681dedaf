#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/access.hpp"
#include "http/answer.hpp"
#include "http/body.hpp"
#include "http/server_state.hpp"

namespace podium {

class Connection;
struct RouteMatch;

/// One request and its answer. Handlers of routes see the connection only through this. I/O thread.
///
/// A handler answers exactly once: answer(), or begin_stream … end_stream, or begin_bytes and
/// send_bytes. What it throws before the first byte becomes an error answer.
class Exchange {
 public:
  Exchange(Connection& connection, std::uint32_t ordinal);
  ~Exchange();

  /// Reads the head, routes, answers. True when the connection may carry another request. Throws
  /// nothing but what ends the connection.
  Task<bool> run();

  /// A request has begun to arrive; otherwise there is nothing to log.
  bool began() const noexcept { return began_; }
  Access& access() noexcept { return access_; }

  ServerState& server() noexcept;
  HttpContext& context() noexcept;
  const RequestHead& head() const noexcept { return *head_; }
  /// The n-th {} of the route's pattern.
  const std::string& parameter(std::size_t n) const { return parameters_.at(n); }
  const std::shared_ptr<const Generation>& generation() const noexcept { return generation_; }
  const Config& config() const noexcept { return generation_->config(); }
  const Principal& principal() const noexcept { return principal_; }
  /// The administrator asks: principal() says nothing.
  bool sees_all() const noexcept { return sees_all_; }

  /// Whether the headers say who is asking.
  bool has_credentials() const noexcept;
  /// Whether nobody has to say so: no-key mode, or a peer of a trusted network.
  bool needs_no_key() const;
  const std::string& peer_address() const noexcept;
  /// By headers and, when given, the key of the body. Throws Failure.
  void authenticate(std::optional<std::string> body_key);

  BodyReader& body() noexcept { return *body_; }
  /// The whole body, at most `most` bytes. `count` is told, before they are kept, how many bytes
  /// the caller will then hold of it, and throws when those are too many; it outlives the reading.
  Task<std::string> read_body(Bytes most, const std::function<void(Bytes)>& count);

  /// Headers that every answer of this exchange gets, errors included.
  HeaderList& extra_headers() noexcept { return extra_; }
  /// The operator's option for routes that run code.
  void allow_keep_alive() noexcept { may_keep_ = true; }

  Task<> answer(Answer answer);

  /// An answer of unknown length: chunked, or until the end of the connection for HTTP/1.0.
  /// `first` goes out with the head.
  Task<> begin_stream(Answer head, std::string_view first);
  Task<> send_piece(std::string_view piece);
  Task<> end_stream(std::string_view last);

  /// An answer of `length` bytes, which follow by send_bytes. For HEAD nothing must follow.
  Task<> begin_bytes(Answer head, std::uint64_t length);
  Task<> send_bytes(std::string_view bytes, bool last);

  /// The connection goes on by another protocol, which the caller speaks on it: answered with
  /// `status`, and never kept.
  Connection& take_over(int status);

  bool is_head() const noexcept { return head_method_; }
  /// The head of the answer is on its way: its status cannot change any more.
  bool committed() const noexcept { return committed_; }

  /// Frees the request, its parser and buffers: before a long wait. head() and body() are gone.
  void release_request();

  /// Until unwatch: calls `on_left` once when the client leaves; access() is told too.
  void watch(std::function<void()> on_left);
  void unwatch();

 private:
  Task<bool> read_head();
  Task<> handle();
  void let_in(const RouteMatch& match);
  void refuse_web_pages() const;
  bool is_admin() const;
  Credentials credentials() const;
  void note_wrong_credentials();
  Task<> answer_failure();
  HeadFacts facts(Framing framing) const;
  Task<> send(std::string_view bytes);
  Task<> send_last(std::string_view bytes);
  void note_failure(std::exception_ptr error);

  Connection& connection_;
  Access access_;
  std::unique_ptr<MessageParser> parser_;
  std::unique_ptr<RequestHead> head_;
  std::unique_ptr<BodyReader> body_;
  std::vector<std::string> parameters_;
  std::shared_ptr<const Generation> generation_;
  Principal principal_;
  HeaderList extra_;
  std::unique_ptr<Answer> failure_;  // to be sent once the handler has thrown
  bool began_ = false;
  bool committed_ = false;
  bool finished_ = false;  // the last byte of the answer is out
  bool may_keep_ = false;  // once the answer has begun: the connection is kept
  bool client_keeps_ = false;
  bool body_done_ = false;
  bool head_method_ = false;
  bool http_1_0_ = false;
  bool sees_all_ = false;
  bool chunked_ = false;
};

}  // namespace podium
