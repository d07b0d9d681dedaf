#include "http/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "http/acceptor.hpp"
#include "http/connection.hpp"
#include "http/server_state.hpp"
#include "http/tool_runs.hpp"

namespace podium {

struct HttpServer::State {
  explicit State(HttpContext given) : context(std::move(given)) {}

  HttpContext context;
  std::shared_ptr<ServerState> server;  // from start()
  std::shared_ptr<Acceptor> acceptor;
  std::shared_ptr<Acceptor> tls_acceptor;  // may be none

  void close_acceptors() {
    if (acceptor) acceptor->close();
    if (tls_acceptor) tls_acceptor->close();
  }
};

HttpServer::HttpServer(HttpContext context) : state_(std::make_shared<State>(std::move(context))) {}

HttpServer::~HttpServer() {
  if (!state_->server) return;
  // The I/O thread may still be at work: what belongs to it is asked, not touched. Coroutines that
  // are suspended after this die with the io_context, and what they would log is lost.
  asio::post(state_->context.io, [state = state_] { state->close_acceptors(); });
  state_->server->health.close();
}

void HttpServer::start(const HttpConfig& config) {
  auto server = std::make_shared<ServerState>(state_->context, config);
  auto acceptor = std::make_shared<Acceptor>(server, config.address, config.port);
  state_->server = std::move(server);
  state_->acceptor = std::move(acceptor);
  asio::co_spawn(state_->context.io, Acceptor::run(state_->acceptor), asio::detached);
}

std::uint16_t HttpServer::port() const noexcept {
  return state_->acceptor ? state_->acceptor->port() : std::uint16_t{0};
}

namespace {

std::string hsts_of(const TlsConfig& config) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config.hsts).count();
  return seconds == 0 ? std::string() : "max-age=" + std::to_string(seconds);
}

}  // namespace

void HttpServer::start_tls(const TlsConfig& config,
                           std::shared_ptr<const TlsCredentials> credentials) {
  const std::shared_ptr<ServerState>& server = state_->server;
  auto none = server->tls.exchange(std::move(credentials));
  server->hsts = hsts_of(config);
  const std::string& address = config.address.empty() ? server->http.address : config.address;
  state_->tls_acceptor = std::make_shared<Acceptor>(server, address, config.port, true);
  asio::co_spawn(state_->context.io, Acceptor::run(state_->tls_acceptor), asio::detached);
}

std::uint16_t HttpServer::tls_port() const noexcept {
  return state_->tls_acceptor ? state_->tls_acceptor->port() : std::uint16_t{0};
}

void HttpServer::renew_tls(const TlsConfig& config,
                           std::shared_ptr<const TlsCredentials> credentials) {
  asio::post(state_->context.io,
             [state = state_, hsts = hsts_of(config), credentials = std::move(credentials)] {
               if (!state->tls_acceptor || !credentials) return;
               auto old = state->server->tls.exchange(credentials);
               state->server->hsts = hsts;
             });
}

void HttpServer::reconfigure(const HttpConfig& config) {
  asio::post(state_->context.io, [state = state_, config] {
    if (!state->server) return;
    state->server->reconfigure(config);
    for (const auto& acceptor : {state->acceptor, state->tls_acceptor}) {
      if (acceptor) acceptor->reconfigure();
    }
  });
}

void HttpServer::set_draining() {
  if (!state_->server) return;
  state_->server->draining = true;
  state_->server->tool_runs->stop();
}

void HttpServer::stop_accepting() { state_->close_acceptors(); }

Task<> HttpServer::drain(milliseconds grace) {
  const std::shared_ptr<ServerState> server = state_->server;
  if (!server) co_return;
  server->draining = true;
  server->closing = true;
  server->write_down_finished();
  for (Connection* connection : server->connections) connection->close_if_idle();
  if (server->connections.empty()) co_return;

  Timer late(state_->context.io, grace);
  late.async_wait([weak = std::weak_ptr<ServerState>(server)](const boost::system::error_code& ec) {
    const std::shared_ptr<ServerState> self = weak.lock();
    if (ec || !self) return;
    for (Connection* connection : self->connections) connection->close();
    self->empty.set();
  });
  co_await server->empty.wait();
}

}  // namespace podium
