#pragma once
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exec/byte_budget.hpp"
#include "http/access.hpp"
#include "http/health.hpp"
#include "http/server.hpp"
#include "http/tls.hpp"

namespace podium {

class Connection;
class ToolRuns;

/// What the connections of one server share. I/O thread only.
struct ServerState : std::enable_shared_from_this<ServerState> {
  ServerState(HttpContext given, const HttpConfig& config);

  HttpContext context;
  HttpConfig http;        ///< listeners and bounds of connections are those of the start
  bool draining = false;  ///< /ready says so
  bool closing = false;   ///< no connection is kept for another request
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  /// Programs that call tools of their clients.
  const std::shared_ptr<ToolRuns> tool_runs;

  /// Bodies in memory of senders who have not said who they are.
  const std::shared_ptr<ByteBudget> unknown_bodies = std::make_shared<ByteBudget>();

  HealthProbe health;
  /// What /ready found the last time.
  struct Readiness {
    std::uint64_t generation = 0;
    std::chrono::steady_clock::time_point when{};
    std::string missing;
  } readiness;

  /// What new connections of the TLS listener show; any thread.
  Snapshot<TlsCredentials> tls;
  std::string hsts;  ///< value of Strict-Transport-Security; empty: not sent

  /// Takes over what a reload may change: time-outs and rates.
  void reconfigure(const HttpConfig& config);

  /// Counts a connection in; the key is its peer's address.
  void enter(Connection& connection, const std::string& peer_address);
  void leave(Connection& connection, const std::string& peer_address) noexcept;
  /// Whether one more connection of this peer is within the limits.
  bool has_room(const std::string& peer_address) const;
  std::size_t open() const noexcept { return connections.size(); }

  /// Logs and counts a request that has ended: a moment later, for who waits for its answer needs
  /// the processors now.
  void finished(Access access);
  /// The same for all that have ended, at once: who looks at what is counted misses none.
  void write_down_finished();

  std::list<Connection*> connections;
  std::uint64_t next_connection = 1;
  Event empty;  ///< set when the last connection has left while draining

 private:
  /// Ends what has run past its deadline, four times within the shortest one. One timer for all
  /// connections: a timer each would cost every waiting request its memory.
  void sweep_deadlines();

  struct Finished {
    Access access;
    Access::Clock::time_point when;
  };

  std::map<std::string, std::uint32_t> peers_;
  std::vector<Finished> finished_;
  Timer write_down_;
  Timer sweep_;
  bool sweeping_ = false;
  std::chrono::milliseconds sweep_interval_;
};

}  // namespace podium
