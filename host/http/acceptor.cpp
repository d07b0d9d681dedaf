#include "http/acceptor.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

#include "http/connection.hpp"

namespace podium {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr milliseconds kPause{50};
// Connections beyond the limits that are told so before they are closed; more are just closed.
constexpr std::size_t kMaxRefusals = 64;
// Connections taken in before others on the thread get their turn.
constexpr unsigned kMaxAtOnce = 64;

/// What accept(2) hands down from a listener to its connections (tcp(7), on Linux). A peer that
/// vanished without a word is found by these, also while nothing is read or written.
template <class Listener>
void set_socket_options(Listener& listener, milliseconds write_timeout) {
  error_code ignored;
  listener.set_option(asio::ip::tcp::no_delay(true), ignored);
  listener.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = listener.native_handle();
  const int idle_seconds = 60;
  const int unacknowledged_ms =
      static_cast<int>(std::min<std::int64_t>(write_timeout.count(), 1 << 30));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

UniqueFd open_spare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// Says 503 as far as that goes without waiting, and closes.
void turn_away(UniqueFd peer) {
  if (!peer) return;
  constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
      "Retry-After: 1\r\n\r\n";
  static_cast<void>(::send(peer.get(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

[[noreturn]] void refuse(const std::string& address, std::uint16_t port, const std::string& why) {
  throw Failure(Code::kUnavailable,
                "listening on " + address + ":" + std::to_string(port) + ": " + why);
}

}  // namespace

Acceptor::Acceptor(std::shared_ptr<ServerState> server, const std::string& address,
                   std::uint16_t port, bool tls)
    : server_(std::move(server)),
      acceptor_(server_->context.io),
      pause_(server_->context.io),
      tls_(tls),
      spare_(open_spare()) {
  error_code ec;
  const auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, ec);
  if (ec) refuse(address, port, "an IP address was expected");
  const tcp::endpoint endpoint(ip, port);
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) acceptor_.native_non_blocking(true, ec);
  if (ec) refuse(address, port, ec.message());
  ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  reconfigure();
  port_ = acceptor_.local_endpoint().port();
}

Task<> Acceptor::run(std::shared_ptr<Acceptor> self) {
  while (!self->closed_) {
    error_code ec;
    co_await self->acceptor_.async_wait(asio::socket_base::wait_read,
                                        asio::redirect_error(use_awaitable, ec));
    Taken taken = ec ? Taken::kNone : Taken::kOne;
    for (unsigned i = 0; i < kMaxAtOnce && taken == Taken::kOne && !self->closed_; ++i) {
      taken = self->take_one();
      // Its request has come too, mostly: it goes on before there is another. The first, often the
      // only one, has two turns, which bring it to a sandbox.
      for (int turn = 0; taken == Taken::kOne && turn < (i == 0 ? 2 : 1); ++turn) {
        co_await asio::post(self->server_->context.io, use_awaitable);
      }
    }
    if (taken != Taken::kShortage) continue;
    self->shed();
    self->pause_.expires_after(kPause);
    co_await self->pause_.async_wait(asio::redirect_error(use_awaitable, ec));
  }
}

void Acceptor::reconfigure() { set_socket_options(acceptor_, server_->http.write_timeout); }

/// accept4(2) and not Asio's accept: no child that is started meanwhile may inherit the socket.
Acceptor::Taken Acceptor::take_one() {
  tcp::endpoint peer;
  socklen_t size = static_cast<socklen_t>(peer.capacity());
  const int fd =
      ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (is_shortage(errno)) return Taken::kShortage;
    const bool none = errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF;
    return none ? Taken::kNone : Taken::kOne;  // otherwise the peer was gone before it was taken
  }
  UniqueFd owned(fd);
  peer.resize(size);
  error_code ec;
  Connection::Socket socket(server_->context.io);
  socket.assign(peer.protocol(), fd, ec);
  if (ec) return Taken::kShortage;
  owned.release();
  admit(std::move(socket), peer);
  return Taken::kOne;
}

void Acceptor::admit(Connection::Socket socket, const tcp::endpoint& peer) {
  const bool room = server_->has_room(peer.address().to_string());
  if (!room && server_->open() >= server_->http.max_connections + kMaxRefusals) return;
  auto credentials = tls_ ? server_->tls.get() : nullptr;
  auto connection =
      std::make_shared<Connection>(server_, std::move(socket), peer, std::move(credentials));
  asio::co_spawn(server_->context.io,
                 room ? Connection::serve(connection) : Connection::refuse(connection),
                 asio::detached);
}

/// Out of descriptors: the waiting peer would wait for ever, and the loop would spin on it. The
/// spare one lets it be taken off the queue and closed.
void Acceptor::shed() {
  server_->context.log.warning("a connection was turned away: no descriptor is left");
  spare_.reset();
  turn_away(UniqueFd(
      ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)));
  spare_ = open_spare();
}

void Acceptor::close() noexcept {
  closed_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

}  // namespace podium
