#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "account/accounts.hpp"
#include "base/snapshot.hpp"
#include "exec/service.hpp"
#include "obs/log.hpp"
#include "obs/metrics.hpp"
#include "plugin/generation.hpp"
#include "policy/auth.hpp"

namespace podium {

class DaemonControl;
class TlsCredentials;

/// What the HTTP front needs of the daemon. Outlives the server.
struct HttpContext {
  asio::io_context& io;
  asio::thread_pool& pool;
  const Snapshot<Generation>& generation;
  const Snapshot<KeyRing>& keys;
  ExecService& exec;
  SessionStore& sessions;
  Accounts& accounts;
  Log& log;
  Metrics& metrics;
  std::string version;
  /// Facts about the sandbox for /health/detailed: {"cgroup":"v1","unenforced":[…],…}.
  std::function<Json()> sandbox_facts;
  DaemonControl* control = nullptr;  ///< none: /api/v1/admin/reload and /config say 503
};

/// The HTTP/1.1 front: accepts, reads, routes, answers. Everything runs on the I/O thread.
class HttpServer {
 public:
  explicit HttpServer(HttpContext context);
  ~HttpServer();

  /// Binds and begins to accept. Throws Failure that names the address. Port 0 takes any.
  void start(const HttpConfig& config);
  std::uint16_t port() const noexcept;

  /// After start: a second listener, which speaks TLS. Throws Failure that names the address.
  void start_tls(const TlsConfig& config, std::shared_ptr<const TlsCredentials> credentials);
  /// 0: there is none.
  std::uint16_t tls_port() const noexcept;
  /// New connections get these. Without a TLS listener nothing happens. Any thread.
  void renew_tls(const TlsConfig& config, std::shared_ptr<const TlsCredentials> credentials);

  /// Takes a reloaded configuration's time-outs and rates over. Any thread.
  void reconfigure(const HttpConfig& config);

  /// /ready answers 503 from now on.
  void set_draining();
  /// Closes the listener; connections in progress go on.
  void stop_accepting();
  /// Returns when every connection has ended, or closes those that are idle and returns after
  /// `grace`.
  Task<> drain(milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
