#pragma once
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "exec/async.hpp"
#include "http/server_state.hpp"
#include "http/tls.hpp"

namespace podium {

/// One client's connection: the only reader and writer of its socket. I/O thread.
///
/// Requests come one after the other; a waiting request costs the socket, this object and a few
/// small coroutine frames.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = asio::basic_stream_socket<asio::ip::tcp, IoExecutor>;

  /// With credentials it speaks TLS.
  Connection(std::shared_ptr<ServerState> server, Socket socket, asio::ip::tcp::endpoint peer,
             std::shared_ptr<const TlsCredentials> tls = nullptr);
  ~Connection();

  /// Serves requests until the connection ends.
  static Task<> serve(std::shared_ptr<Connection> self);
  /// Says 503 and ends: the limits are reached.
  static Task<> refuse(std::shared_ptr<Connection> self);

  ServerState& server() noexcept { return *server_; }
  std::uint64_t id() const noexcept { return id_; }
  std::string peer() const;
  /// The same without the port.
  const std::string& peer_address() const noexcept { return peer_address_; }
  /// The address of this machine that the client reached, e.g. "127.0.0.1".
  std::string local_address() const;

  bool is_tls() const noexcept { return tls_ != nullptr; }
  /// Of the socket; only to be looked at.
  int descriptor() { return socket_.native_handle(); }

  /// Bytes that have arrived and are not used up yet.
  std::string& input() noexcept { return input_; }
  /// Waits for more bytes and appends them to input(), at most `most`. False at the end of what
  /// the client sends, or at the deadline; then timed_out() tells which. Throws ClientGone for a
  /// connection that broke.
  Task<bool> receive(std::size_t most);
  /// The same into `buffer`, which is made, of `capacity` bytes, when it is not there: how many
  /// came, 0 for what is false there. It is given back while nothing is there to be read.
  Task<std::size_t> receive(std::unique_ptr<char[]>& buffer, std::size_t capacity);
  /// Writes everything. Throws ClientGone when the peer is gone or takes nothing for the write
  /// time-out.
  Task<> send(std::string_view bytes);
  /// The same, and nothing after it: the end of our stream travels with the last bytes, so that who
  /// reads to the end is woken once.
  Task<> send_last(std::string_view bytes);
  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  /// After this moment a pending read or write ends and timed_out() is true.
  void set_deadline(Clock::time_point when) noexcept;
  void clear_deadline() noexcept { set_deadline(Clock::time_point::max()); }
  bool timed_out() const noexcept { return timed_out_; }
  /// Called by the server's sweep.
  void check_deadline(Clock::time_point now);

  /// Until unwatch(): calls `on_left` once when the client closes its side, resets, or floods.
  /// What it sends meanwhile is kept for the next request, up to a bound.
  void watch(std::function<void()> on_left);
  void unwatch();
  /// The client sent more than is kept: no further request can be read from here.
  bool spoiled() const noexcept { return spoiled_; }

  /// Ends a connection that waits for its next request; leaves others alone.
  void close_if_idle();
  void close() noexcept;
  /// Gives memory back before a long wait.
  void release_input();

 private:
  friend struct ServerState;

  /// The handshake of TLS; at once true without. False: the peer did not speak it in time.
  Task<bool> begin();
  /// Waits until the bytes can be read or written; an error says that the wait was cut off.
  Task<boost::system::error_code> wait(bool to_write);
  ssize_t read_some(char* buffer, std::size_t most);
  bool has_pending() const noexcept { return tls_ && tls_->has_pending(); }
  void end_output() noexcept;
  Task<> send_by_tls(std::string_view bytes);
  Task<> send_plain(std::string_view bytes, bool more);
  void read_at_once();
  Task<bool> await_request();
  Task<bool> serve_one();
  Task<> finish();
  bool drain_some(std::size_t& drained);
  void arm_watch();
  void look();
  bool take(std::string_view bytes);

  std::shared_ptr<ServerState> server_;
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // none: plain
  const std::string peer_address_;
  asio::ip::tcp::endpoint peer_;
  std::uint64_t id_ = 0;
  std::list<Connection*>::iterator place_;  // in server_->connections
  std::string input_;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::function<void()> on_left_;
  std::uint64_t bytes_sent_ = 0;
  std::uint32_t watch_ = 0;  // number of the present watch; older handlers do nothing
  std::uint32_t ordinal_ = 0;
  std::uint32_t flood_ = 0;  // bytes that came while nobody wanted them
  std::uint32_t reads_ = 0;  // since the coroutine last let others run
  bool timed_out_ = false;
  bool output_ended_ = false;
  bool spoiled_ = false;
  bool idle_ = false;
  bool entered_ = false;
};

}  // namespace podium
