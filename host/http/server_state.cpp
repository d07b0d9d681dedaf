#include "http/server_state.hpp"

#include <algorithm>
#include <utility>

#include "http/connection.hpp"
#include "http/tool_runs.hpp"

namespace podium {
namespace {

std::chrono::milliseconds sweep_interval(const HttpConfig& http) {
  const milliseconds shortest =
      std::min({http.head_timeout, http.idle_timeout, http.write_timeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(250));
}

}  // namespace

ServerState::ServerState(HttpContext given, const HttpConfig& config)
    : context(std::move(given)),
      http(config),
      tool_runs(std::make_shared<ToolRuns>()),
      health(context.io),
      empty(context.io),
      write_down_(context.io),
      sweep_(context.io),
      sweep_interval_(sweep_interval(config)) {}

void ServerState::reconfigure(const HttpConfig& config) {
  http.head_timeout = config.head_timeout;
  http.idle_timeout = config.idle_timeout;
  http.write_timeout = config.write_timeout;
  http.body_rate = config.body_rate;
  sweep_interval_ = sweep_interval(http);
}

void ServerState::enter(Connection& connection, const std::string& peer_address) {
  connection.place_ = connections.insert(connections.end(), &connection);
  ++peers_[peer_address];
  if (!sweeping_) sweep_deadlines();
}

void ServerState::leave(Connection& connection, const std::string& peer_address) noexcept {
  connections.erase(connection.place_);
  const auto peer = peers_.find(peer_address);
  if (peer != peers_.end() && --peer->second == 0) peers_.erase(peer);
  if (connections.empty() && closing) empty.set();
}

bool ServerState::has_room(const std::string& peer_address) const {
  if (connections.size() >= http.max_connections) return false;
  const auto peer = peers_.find(peer_address);
  return peer == peers_.end() || peer->second < http.max_connections_per_peer;
}

void ServerState::finished(Access access) {
  const bool first = finished_.empty();
  finished_.push_back({std::move(access), Access::Clock::now()});
  if (closing) return write_down_finished();
  if (!first) return;  // the timer runs
  write_down_.expires_after(kAnswerGoesFirst);
  write_down_.async_wait([state = weak_from_this()](const boost::system::error_code& ec) {
    const std::shared_ptr<ServerState> self = state.lock();
    if (!ec && self) self->write_down_finished();
  });
}

void ServerState::write_down_finished() {
  for (const auto& [access, when] : std::exchange(finished_, {})) {
    count_access(context.metrics, access, when);
    if (!context.log.enabled(LogLevel::kInfo)) continue;
    context.log.write(LogLevel::kInfo, "request", access_fields(access, when));
  }
}

void ServerState::sweep_deadlines() {
  sweeping_ = !connections.empty();
  if (!sweeping_) return;
  sweep_.expires_after(sweep_interval_);
  sweep_.async_wait([state = weak_from_this()](const boost::system::error_code& ec) {
    const std::shared_ptr<ServerState> self = state.lock();
    if (ec || !self) return;
    const auto now = std::chrono::steady_clock::now();
    for (Connection* connection : self->connections) connection->check_deadline(now);
    self->sweep_deadlines();
  });
}

}  // namespace podium
