/// GET /exec/ws: a run over a WebSocket. The client's first text message is the run; then come the
/// same events as of /exec/stream, each a text message, and the client may write to the program,
/// send it signals and cancel it.

#include "http/ws_wire.hpp"

#include <boost/asio/detached.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "base/utf8.hpp"
#include "http/event_stream.hpp"
#include "http/exec_work.hpp"
#include "http/hang_up.hpp"
#include "http/local_host.hpp"
#include "http/routes.hpp"
#include "http/ws_message.hpp"

namespace podium {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessagePiece = 16 * 1024;
constexpr std::chrono::seconds kClosing{5};
constexpr std::chrono::seconds kPositionAfter{2};
/// Errors that wait for a client to take them, before it is listened to again.
constexpr unsigned kMostErrors = 8;

/// A message counts as one for each of these bytes that it has begun.
constexpr std::size_t kAsOneMessage = 64 * 1024;

constexpr std::string_view kError = "error";

/// Both directions of one WebSocket. I/O thread.
class Talk : public std::enable_shared_from_this<Talk> {
 public:
  Talk(Exchange& exchange, Connection& connection)
      : exchange_(exchange),
        connection_(connection),
        io_(exchange.context().io),
        config_(exchange.config().streams),
        socket_(connection.shared_from_this(), io_),
        pace_(config_.message_rate),
        heard_all_(io_),
        told_(io_),
        ping_timer_(io_) {}

  Task<> accept(const beast::http::request<beast::http::empty_body>& request) {
    ask_for_life();
    socket_.set_option(websocket::stream_base::decorator(
        [id = exchange_.access().request_id,
         headers = exchange_.extra_headers()](websocket::response_type& answer) {
          answer.erase(beast::http::field::server);
          answer.set("X-Request-ID", id);
          for (const HeaderField& field : headers) answer.set(field.name, field.value);
        }));
    error_code ec;
    co_await socket_.async_accept(request, asio::redirect_error(use_awaitable, ec));
    if (ec) throw ClientGone{};
  }

  /// The first message; what it takes in memory is counted while it comes.
  Task<std::string> first_message(ByteShare& counted) {
    const bool known = exchange_.has_credentials() || exchange_.needs_no_key();
    const Bytes most = known ? exchange_.config().http.max_request : config_.message;
    socket_.read_message_max(most);
    ByteShare unknown(exchange_.server().unknown_bodies);
    const Clock::time_point begun = Clock::now();
    Patience patience(io_, connection_);
    beast::flat_buffer buffer;
    error_code ec;
    do {
      patience.until(begun + time_for(buffer.size()));
      co_await socket_.async_read_some(buffer, kMessagePiece,
                                       asio::redirect_error(use_awaitable, ec));
      if (ec) throw_read_failure(ec, patience);
      if (known) {
        exchange_.context().exec.count_request(*exchange_.generation(), counted, buffer.size());
      } else if (!unknown.resize(buffer.size(), exchange_.config().http.unknown_bodies)) {
        throw Failure(Code::kResourceExhausted,
                      "too many messages are being read of senders who "
                      "have not said who they are; try again in 1 s");
      }
    } while (!socket_.is_message_done());
    if (!socket_.got_text())
      throw Failure(Code::kMalformed, "a message must be text, it is binary");
    co_return beast::buffers_to_string(buffer.data());
  }

  /// What happens, as it happens; returns when all has been sent or the client has left.
  Task<> tell(std::shared_ptr<Work> work) {
    work_ = std::move(work);
    socket_.read_message_max(config_.message);
    asio::co_spawn(io_, listen(shared_from_this()), asio::detached);
    QueueReader reader(*work_->queue, 0);
    socket_.text(true);
    RunEvent event;
    while (!work_->left && !work_->queue->over()) {
      if (!work_->queue->take(event)) {
        co_await work_->queue->wait(Clock::now() + kPositionAfter);
        work_->tell_position();
        continue;
      }
      const std::string message = event_message(event);
      error_code ec;
      co_await socket_.async_write(asio::buffer(message), asio::redirect_error(use_awaitable, ec));
      if (ec && !work_->left) leave();
      if (event.name == kError) --errors_;
      told_.cancel();
    }
    telling_ = false;
    told_.cancel();
    if (!work_->left) co_await close(websocket::close_code::normal, "");
    if (work_->left) connection_.close();  // so that the reading ends too
    co_await heard_all_.wait();
  }

  /// Nothing was begun: says why.
  Task<> refuse(const Failure& failure) {
    const int status = http_status(failure.code());
    const std::string message = refusal_message(failure, exchange_.access().request_id);
    error_code ec;
    socket_.text(true);
    co_await socket_.async_write(asio::buffer(message), asio::redirect_error(use_awaitable, ec));
    if (ec) co_return;
    const auto code = status == 429 || status == 503 ? websocket::close_code::try_again_later
                      : status >= 500                ? websocket::close_code::internal_error
                                                     : websocket::close_code::policy_error;
    co_await close(code, "refused");
  }

 private:
  /// Closes a connection whose client is not there in time, whatever else goes over it meanwhile.
  class Patience {
   public:
    Patience(asio::io_context& io, Connection& connection) : connection_(connection), timer_(io) {}
    /// From now on it ends at `when`.
    void until(Clock::time_point when) {
      timer_.expires_at(when);
      timer_.async_wait([over = over_, of = connection_.weak_from_this()](const error_code& ec) {
        if (ec) return;
        *over = true;
        if (const auto connection = of.lock()) connection->close();
      });
    }
    bool over() const { return *over_; }

   private:
    Connection& connection_;
    Timer timer_;
    std::shared_ptr<bool> over_ = std::make_shared<bool>(false);
  };

  /// As long as a body of that size may take to come.
  std::chrono::nanoseconds time_for(std::size_t bytes) const {
    const HttpConfig& http = exchange_.server().http;
    return http.head_timeout +
           std::chrono::milliseconds(bytes * 1000 / std::max<Bytes>(1, http.body_rate));
  }

  [[noreturn]] void throw_read_failure(const error_code& ec, const Patience& patience) const {
    if (patience.over()) {
      throw Failure(Code::kMalformed, "the first message, with the run, did not come in time");
    }
    if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow) {
      throw Failure(Code::kTooLarge, "the first message is larger than this server takes");
    }
    throw ClientGone{};
  }

  Task<> close(websocket::close_code code, const char* reason) {
    const websocket::close_reason why(code, reason);
    error_code ec;
    co_await socket_.async_close(why, asio::redirect_error(use_awaitable, ec));
  }

  void leave() {
    if (work_->left || (work_->done && work_->queue->over())) return;
    exchange_.access().client_left("run");
    work_->client_left();
    told_.cancel();
  }

  /// What the client says, until it has left or the connection is closed.
  static Task<> listen(std::shared_ptr<Talk> self) {
    beast::flat_buffer buffer;
    for (;;) {
      error_code ec;
      co_await self->socket_.async_read(buffer, asio::redirect_error(use_awaitable, ec));
      if (ec) break;
      const std::string text = beast::buffers_to_string(buffer.data());
      const std::size_t size = buffer.size();
      buffer.consume(size);
      std::optional<Failure> failure;
      try {
        if (!self->socket_.got_text()) {
          throw Failure(Code::kMalformed, "a message must be text, it is binary");
        }
        ClientMessage message = parse_client_message(text);
        co_await self->obey(message);
      } catch (const Failure& wrong) {
        failure = wrong;
      }
      if (failure) co_await self->complain(*failure);
      co_await self->keep_pace(size);
    }
    self->leave();
    self->heard_all_.set();
  }

  Task<> obey(ClientMessage& message) {
    RunControl& control = *work_->control;
    switch (message.kind) {
      case ClientMessage::Kind::kInput: {
        if (!control.write_input(message.data)) co_await write_later(message.data);
        break;
      }
      case ClientMessage::Kind::kEnd:
        control.close_input();
        break;
      case ClientMessage::Kind::kSignal:
        control.signal(message.signal);
        break;
      case ClientMessage::Kind::kCancel:
        control.cancel();
        break;
    }
  }

  /// Until there is room for it nothing more is read, so that the client waits too.
  Task<> write_later(const std::string& data) {
    const Deafness deaf(*this);
    bool taken = false;
    while (!taken && !work_->done && !work_->left) {
      co_await work_->control->input_room();
      taken = work_->control->write_input(data);
    }
  }

  /// Who makes more mistakes than it reads about is not heard until it has read.
  Task<> complain(const Failure& failure) {
    if (work_->done) co_return;
    work_->queue->add(kError, error_json(failure));
    if (++errors_ < kMostErrors) co_return;
    const Deafness deaf(*this);
    while (errors_ >= kMostErrors && telling_ && !work_->left) {
      told_.expires_at(Clock::time_point::max());
      error_code ignored;
      co_await told_.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
  }

  /// While nothing is read. No answer to a ping is heard then, so that none is demanded. That the
  /// client has left is told by the kernel: at once, or when its own sends the next ping back,
  /// since the end of a stream does not come past what there is no room for.
  class Deafness {
   public:
    explicit Deafness(Talk& talk)
        : talk_(talk),
          hang_up_(talk.io_, talk.connection_.descriptor(), [&talk] { talk.leave(); }) {
      talk_.socket_.set_option(
          websocket::stream_base::timeout{kClosing, websocket::stream_base::none(), false});
      talk_.deaf_ = true;
      if (!std::exchange(talk_.pinging_, true)) {
        asio::co_spawn(talk_.io_, ping(talk_.shared_from_this()), asio::detached);
      }
    }
    ~Deafness() {
      talk_.deaf_ = false;
      talk_.ping_timer_.cancel();
      talk_.ask_for_life();
    }
    Deafness(const Deafness&) = delete;
    Deafness& operator=(const Deafness&) = delete;

   private:
    Talk& talk_;
    const HangUp hang_up_;
  };

  static Task<> ping(std::shared_ptr<Talk> self) {
    error_code ec;
    while (self->deaf_ && !ec) {
      self->ping_timer_.expires_after(self->config_.ping);
      co_await self->ping_timer_.async_wait(asio::redirect_error(use_awaitable, ec));
      if (ec) {  // no longer deaf, or so again
        ec = {};
        continue;
      }
      const websocket::ping_data nothing;
      co_await self->socket_.async_ping(nothing, asio::redirect_error(use_awaitable, ec));
    }
    self->pinging_ = false;
  }

  /// Who answers no ping has left.
  void ask_for_life() {
    socket_.set_option(websocket::stream_base::timeout{kClosing, config_.ping * 2, true});
  }

  /// Lets no client send more messages than it may: they wait in its own buffers.
  Task<> keep_pace(std::size_t size) {
    milliseconds rest{0};
    for (std::size_t counted = 0; counted <= size; counted += kAsOneMessage) {
      rest = pace_.take(Clock::now());
    }
    if (rest.count() > 0) co_await sleep(rest);
  }

  Task<> sleep(milliseconds time) {
    Timer timer(io_, time);
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  }

  Exchange& exchange_;
  Connection& connection_;
  asio::io_context& io_;
  const StreamConfig config_;
  websocket::stream<WsWire> socket_;
  Pace pace_;
  Event heard_all_;
  Timer told_;  // an event has gone out
  std::shared_ptr<Work> work_;
  unsigned errors_ = 0;  // that have not gone out
  bool telling_ = true;
  Timer ping_timer_;
  bool deaf_ = false, pinging_ = false;
};

/// The request as Beast knows it, for its part of the handshake.
beast::http::request<beast::http::empty_body> upgrade_request(const RequestHead& head) {
  beast::http::request<beast::http::empty_body> request;
  request.method(beast::http::verb::get);
  request.target(head.target);
  request.version(head.minor_version == 1 ? 11 : 10);
  for (const HeaderField& field : head.headers) request.insert(field.name, field.value);
  return request;
}

Task<std::shared_ptr<Work>> begin(Exchange& exchange, Talk& talk) {
  ByteShare counted;
  std::string text = co_await talk.first_message(counted);
  ExecCommand command = co_await take_message(exchange, std::move(text), counted);
  Hearing how;
  how.events = true;
  how.open_input = true;
  co_return co_await begin_work(exchange, std::move(command), std::move(counted), how);
}

}  // namespace

Task<> exec_ws_route(Exchange& exchange) {
  const auto request = upgrade_request(exchange.head());
  if (exchange.head().method != "GET" || !websocket::is_upgrade(request)) {
    exchange.extra_headers().add("Upgrade", "websocket");
    throw Refusal(426,
                  "this path speaks WebSocket: GET with Connection: Upgrade, Upgrade: websocket "
                  "and Sec-WebSocket-Version: 13");
  }
  if (exchange.needs_no_key()) check_same_origin(exchange.head());
  const Principal& principal = exchange.principal();
  if (!principal.id.empty()) {  // otherwise the first message tells who it is
    Quotas& quotas = exchange.context().accounts.ledger.quotas;
    add_quota(exchange.extra_headers(),
              quotas.report(principal.id, principal.quota, epoch_ms_now()));
  }
  Connection& connection = exchange.take_over(101);
  const auto talk = std::make_shared<Talk>(exchange, connection);
  co_await talk->accept(request);
  std::shared_ptr<Work> work;
  std::optional<Failure> refusal;
  try {
    work = co_await begin(exchange, *talk);
  } catch (const Failure& failure) {
    refusal = failure;
  }
  if (refusal) {
    exchange.access().error = refusal->what();
    co_await talk->refuse(*refusal);
    co_return;
  }
  exchange.access().path = Access::Path::kStream;
  co_await talk->tell(work);
  co_await conclude(exchange, *work);
}

}  // namespace podium
