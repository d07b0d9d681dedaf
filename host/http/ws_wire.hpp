#pragma once
/// A connection as Beast's WebSocket wants a stream. Include it in few files: Beast costs seconds of
/// compile time.

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/websocket.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "http/connection.hpp"

namespace podium {

/// Reads and writes of a WebSocket by those of its connection, which stays the only one to touch
/// the socket, whatever lies below it.
class WsWire {
 public:
  using executor_type = asio::io_context::executor_type;

  WsWire(std::shared_ptr<Connection> connection, asio::io_context& io)
      : connection_(std::move(connection)), io_(&io) {}

  executor_type get_executor() const noexcept { return io_->get_executor(); }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return begin(std::forward<Handler>(handler), [of = connection_, to = first_of(buffers)] {
      return read(of, to);
    });
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    std::string bytes(asio::buffer_size(buffers), '\0');
    asio::buffer_copy(asio::buffer(bytes), buffers);
    return begin(std::forward<Handler>(handler),
                 [of = connection_, bytes = std::move(bytes)]() mutable {
                   return write(of, std::move(bytes));
                 });
  }
  void close() noexcept { connection_->close(); }

 private:
  using error_code = boost::system::error_code;

  template <class Buffers>
  static asio::mutable_buffer first_of(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
         ++at) {
      const asio::mutable_buffer buffer = *at;
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }

  template <class Handler, class Make>
  auto begin(Handler&& handler, Make make) {
    return asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [io = io_](auto completion, Make operation) {
          asio::co_spawn(*io, operation(),
                         [completion = std::move(completion)](std::exception_ptr error,
                                                              std::size_t size) mutable {
                           error_code ec;
                           if (error) ec = asio::error::connection_reset;
                           if (!error && size == 0) ec = asio::error::eof;
                           completion(ec, size);
                         });
        },
        handler, std::move(make));
  }

  // Beast's own pings may be under way when the stream is gone, so these hold the connection.
  static Task<std::size_t> read(std::shared_ptr<Connection> of, asio::mutable_buffer to) {
    std::string& input = of->input();
    if (input.empty()) {
      const bool more = co_await of->receive(std::min<std::size_t>(to.size(), 16 * 1024));
      if (!more) co_return 0;
    }
    const std::size_t size = std::min(to.size(), input.size());
    std::memcpy(to.data(), input.data(), size);
    input.erase(0, size);
    co_return size;
  }
  static Task<std::size_t> write(std::shared_ptr<Connection> of, std::string bytes) {
    co_await of->send(bytes);
    co_return bytes.size();
  }

  std::shared_ptr<Connection> connection_;
  asio::io_context* io_;
};

// What Beast looks for beside a stream of its own (websocket/teardown.hpp, core/stream_traits.hpp).
// The connection ends its stream itself once the exchange is over.

inline void teardown(boost::beast::role_type, WsWire&, boost::system::error_code& ec) { ec = {}; }

template <class Handler>
void async_teardown(boost::beast::role_type, WsWire& wire, Handler&& handler) {
  asio::post(wire.get_executor(),
             boost::beast::bind_handler(std::forward<Handler>(handler),
                                        boost::system::error_code()));
}

inline void beast_close_socket(WsWire& wire) { wire.close(); }

}  // namespace podium
