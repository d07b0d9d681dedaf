#include "http/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "http/answer.hpp"
#include "http/exchange.hpp"

namespace podium {
namespace {

using boost::system::error_code;

// How long and how much is read from a client after the last byte to it, so that the kernel does
// not answer its late bytes with a reset that would destroy our answer on its way.
constexpr std::chrono::seconds kLinger{10};
constexpr std::chrono::seconds kLingerSilence{2};
constexpr std::size_t kMaxLinger = 64u << 20;

constexpr std::size_t kMaxPipelined = 64 * 1024;
constexpr std::uint32_t kMaxFlood = 1u << 20;

/// To who sends a request without TLS to the port for it.
void say_that_tls_is_spoken(int fd) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 51\r\n"
      "Connection: close\r\n\r\n{\"error\":\"this port speaks TLS: ask with https://\"}";
  static_cast<void>(::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> server, Socket socket,
                       asio::ip::tcp::endpoint peer, std::shared_ptr<const TlsCredentials> tls)
    : server_(std::move(server)),
      socket_(std::move(socket)),
      peer_address_(peer.address().to_string()),
      peer_(std::move(peer)) {
  if (tls) tls_ = std::make_unique<TlsStream>(std::move(tls), socket_.native_handle());
  id_ = server_->next_connection++;
  server_->enter(*this, peer_address_);
  entered_ = true;
}

Connection::~Connection() {
  if (entered_) server_->leave(*this, peer_address_);
}

std::string Connection::peer() const {
  std::string text = peer_address_;
  if (peer_.address().is_v6()) text = "[" + text + "]";
  return text + ":" + std::to_string(peer_.port());
}

std::string Connection::local_address() const {
  error_code ec;
  const auto local = socket_.local_endpoint(ec);
  return ec ? std::string() : local.address().to_string();
}

Task<> Connection::serve(std::shared_ptr<Connection> self) {
  try {
    bool more = co_await self->begin();
    if (!more) co_return self->close();
    while (more) {
      more = co_await self->await_request();
      if (more) more = co_await self->serve_one();
    }
    co_await self->finish();
  } catch (const ClientGone&) {
  } catch (const std::exception& error) {
    self->server_->context.log.error("a connection ended by an exception",
                                     {{"peer", self->peer()}, {"error", error.what()}});
  }
  self->close();
}

Task<> Connection::refuse(std::shared_ptr<Connection> self) {
  try {
    const bool begun = co_await self->begin();
    if (!begun) co_return self->close();
    Failure full(Code::kResourceExhausted, "this server has as many connections as it takes");
    const std::string id = choose_request_id(nullptr);
    const Answer answer =
        error_answer(std::move(full).with_retry_after(std::chrono::seconds(1)), id);
    HeadFacts facts;
    facts.request_id = id;
    facts.length = answer.body.size();
    const std::string bytes = serialize_head(answer, facts) + answer.body;
    co_await self->send(bytes);
    co_await self->finish();
  } catch (const ClientGone&) {
  }
  self->close();
}

/// Waits for the first byte of a request with no buffer: an idle connection costs its socket.
Task<bool> Connection::await_request() {
  if (ordinal_ == 0) read_at_once();
  if (!input_.empty() || has_pending()) co_return true;
  if (server_->closing) co_return false;
  idle_ = true;
  // A new connection is expected to speak at once; a kept one may be silent for longer than any
  // client keeps its side.
  const milliseconds patience =
      ordinal_ == 0 ? server_->http.head_timeout : server_->http.idle_timeout;
  set_deadline(Clock::now() + patience);
  error_code ec;
  co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(use_awaitable, ec));
  idle_ = false;
  co_return !ec && !timed_out_;
}

/// The first request comes right behind its connection: most need not be waited for.
void Connection::read_at_once() {
  std::array<char, 4096> scratch;
  const ssize_t n = read_some(scratch.data(), scratch.size());
  if (n > 0) input_.append(scratch.data(), static_cast<std::size_t>(n));
}

/// True when another request may follow.
Task<bool> Connection::serve_one() {
  ++ordinal_;
  Exchange exchange(*this, ordinal_);
  const bool keep = co_await exchange.run();
  if (!keep) {
    // Before anything of ours is written down.
    end_output();
  }
  if (exchange.began()) server_->finished(std::move(exchange.access()));
  co_return keep;
}

/// The end of the stream after the last byte, then what the client still sends is read away: never
/// a reset.
Task<> Connection::finish() {
  end_output();
  if (!output_ended_) co_return;
  error_code ec;
  input_ = std::string();
  const Clock::time_point end = Clock::now() + kLinger;
  std::size_t drained = 0;
  bool more = true;
  while (more && drained < kMaxLinger) {
    set_deadline(std::min(end, Clock::now() + kLingerSilence));
    co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(use_awaitable, ec));
    more = !ec && !timed_out_ && drain_some(drained);
  }
}

/// No coroutine: the buffer would live in its frame.
bool Connection::drain_some(std::size_t& drained) {
  std::array<char, 16 * 1024> scratch;
  const ssize_t n = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (n > 0) drained += static_cast<std::size_t>(n);
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

Task<bool> Connection::receive(std::size_t most) {
  if (input_.empty()) input_ = std::string();
  std::unique_ptr<char[]> buffer;
  const std::size_t count = co_await receive(buffer, most);
  input_.append(buffer.get(), count);
  co_return count > 0;
}

Task<std::size_t> Connection::receive(std::unique_ptr<char[]>& buffer, std::size_t capacity) {
  for (;;) {
    if (timed_out_ || Clock::now() >= deadline_) {
      timed_out_ = true;
      co_return 0;
    }
    // A sender faster than we are must not keep the thread to itself.
    const bool try_first = ++reads_ % 16 != 0;
    if (try_first) {
      // Not a string or vector, whose bytes would be cleared first.
      if (!buffer) buffer.reset(new char[capacity]);
      const ssize_t n = read_some(buffer.get(), capacity);
      if (n >= 0) co_return static_cast<std::size_t>(n);
      if (errno != EAGAIN && errno != EINTR) throw ClientGone{};
    }
    // Who waits for a slow sender has no buffer meanwhile.
    buffer.reset();
    const bool to_write = try_first && tls_ && tls_->wants_write();
    const error_code ec = co_await wait(to_write);
    if (ec && !timed_out_) throw ClientGone{};
  }
}

/// As recv(2) without blocking.
ssize_t Connection::read_some(char* buffer, std::size_t most) {
  if (tls_) return tls_->read(buffer, most);
  return ::recv(socket_.native_handle(), buffer, most, MSG_DONTWAIT);
}

Task<error_code> Connection::wait(bool to_write) {
  error_code ec;
  if (!to_write && has_pending()) {
    // Nothing to wait for, but others on the thread get their turn.
    co_await asio::post(socket_.get_executor(), use_awaitable);
    co_return ec;
  }
  const auto what = to_write ? Socket::wait_write : Socket::wait_read;
  co_await socket_.async_wait(what, asio::redirect_error(use_awaitable, ec));
  co_return ec;
}

Task<bool> Connection::begin() {
  if (!tls_) co_return true;
  set_deadline(Clock::now() + server_->http.head_timeout);
  for (;;) {
    if (tls_->handshake() == 1) break;
    if (errno != EAGAIN) {
      if (tls_->spoke_plain_http()) say_that_tls_is_spoken(socket_.native_handle());
      co_return false;
    }
    const bool to_write = tls_->wants_write();
    const error_code ec = co_await wait(to_write);
    if (ec || timed_out_) co_return false;
  }
  clear_deadline();
  co_return true;
}

void Connection::end_output() noexcept {
  if (output_ended_) return;
  if (tls_) tls_->close_notify();
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  output_ended_ = !ec;
}

Task<> Connection::send_by_tls(std::string_view bytes) {
  set_deadline(Clock::now() + server_->http.write_timeout);
  while (!bytes.empty()) {
    const ssize_t n = tls_->write(bytes.data(), bytes.size());
    const bool again = n < 0 && errno == EAGAIN;
    if (n > 0) {
      bytes_sent_ += static_cast<std::size_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      set_deadline(Clock::now() + server_->http.write_timeout);
      continue;
    }
    error_code ec;
    if (again) {
      const bool to_write = tls_->wants_write();
      ec = co_await wait(to_write);
    }
    if (!again || ec || timed_out_) {
      clear_deadline();
      throw ClientGone{};
    }
  }
  clear_deadline();
}

/// `more`: the kernel may keep back the last packet until more comes.
Task<> Connection::send_plain(std::string_view bytes, bool more) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  set_deadline(Clock::now() + server_->http.write_timeout);
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), flags);
    if (n > 0) {
      bytes_sent_ += static_cast<std::size_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      set_deadline(Clock::now() + server_->http.write_timeout);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    error_code ec;
    const bool again = n < 0 && errno == EAGAIN;
    if (again) ec = co_await wait(true);
    if (!again || ec || timed_out_) {
      clear_deadline();
      throw ClientGone{};
    }
  }
  clear_deadline();
}

Task<> Connection::send(std::string_view bytes) {
  if (tls_) {
    co_await send_by_tls(bytes);
  } else {
    co_await send_plain(bytes, false);
  }
}

Task<> Connection::send_last(std::string_view bytes) {
  if (tls_) {
    co_await send_by_tls(bytes);
  } else {
    co_await send_plain(bytes, true);
  }
  end_output();
}

void Connection::set_deadline(Clock::time_point when) noexcept {
  deadline_ = when;
  timed_out_ = false;
}

void Connection::check_deadline(Clock::time_point now) {
  if (now < deadline_ || timed_out_) return;
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::watch(std::function<void()> on_left) {
  on_left_ = std::move(on_left);
  flood_ = 0;
  ++watch_;
  arm_watch();
}

void Connection::unwatch() {
  ++watch_;
  on_left_ = nullptr;
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::arm_watch() {
  if (has_pending()) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), number = watch_] {
      if (number == self->watch_) self->look();
    });
    return;
  }
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this(), number = watch_](const error_code& ec) {
                       if (number != self->watch_) return;
                       // A write that ran out of time cancels the wait too; its writer deals
                       // with that.
                       if (!ec) self->look();
                     });
}

/// Something is there to read while a request is being worked on.
void Connection::look() {
  std::array<char, 4096> scratch;
  for (;;) {
    const ssize_t n = read_some(scratch.data(), scratch.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return arm_watch();
    if (n > 0 && take({scratch.data(), static_cast<std::size_t>(n)})) continue;
    break;
  }
  spoiled_ = true;
  const std::function<void()> on_left = std::exchange(on_left_, nullptr);
  if (on_left) on_left();
}

/// Keeps pipelined bytes; false for a client that only floods.
bool Connection::take(std::string_view bytes) {
  flood_ += static_cast<std::uint32_t>(bytes.size());
  if (input_.size() + bytes.size() <= kMaxPipelined) {
    input_.append(bytes);
  } else {
    spoiled_ = true;
  }
  return flood_ <= kMaxFlood;
}

void Connection::close_if_idle() {
  if (idle_) close();
}

void Connection::close() noexcept {
  ++watch_;
  error_code ignored;
  socket_.close(ignored);
}

void Connection::release_input() {
  std::string kept(input_);
  input_.swap(kept);
}

}  // namespace podium
