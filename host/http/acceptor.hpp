#pragma once
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>

#include "base/fd.hpp"
#include "http/connection.hpp"

namespace podium {

/// Takes connections in, within the limits. I/O thread.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  /// Binds and listens. Throws Failure(kUnavailable) that names the address.
  /// With `tls` its connections speak TLS, by the credentials that the server has at the moment.
  Acceptor(std::shared_ptr<ServerState> server, const std::string& address, std::uint16_t port,
           bool tls = false);

  std::uint16_t port() const noexcept { return port_; }
  /// Accepts until close(). `self` keeps the acceptor alive.
  static Task<> run(std::shared_ptr<Acceptor> self);
  void close() noexcept;
  /// For the connections to come, when the server's configuration has changed.
  void reconfigure();

 private:
  enum class Taken { kOne, kNone, kShortage };
  Taken take_one();
  void admit(Connection::Socket socket, const asio::ip::tcp::endpoint& peer);
  void shed();

  std::shared_ptr<ServerState> server_;
  asio::basic_socket_acceptor<asio::ip::tcp, IoExecutor> acceptor_;
  Timer pause_;
  std::uint16_t port_ = 0;
  const bool tls_;
  bool closed_ = false;
  UniqueFd spare_;  // given up for a moment when descriptors run out
};

}  // namespace podium
