#pragma once
#include <podium/plugin.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// An IPv4 address and a port.
struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// "127.0.0.1:8080". Throws podium::sdk::Error that names the option `server`.
Address parse_address(const std::string& text);

/// One request of HTTP/1.1 on a connection of its own, and its answer.
///
/// Every call has a time-out of 30 s without progress. All failures throw podium::sdk::Error with
/// PODIUM_UNAVAILABLE: the server cannot be reached, leaves early, or says what is no HTTP.
class HttpCall {
 public:
  /// Connects and sends the head. `length` is that of the body to come; below 0: it comes in
  /// chunks.
  HttpCall(const Address& server, const std::string& method, const std::string& target,
           std::int64_t length, const std::string& more_headers = {});

  /// A piece of the body; then finish_body() when it comes in chunks.
  void send(std::string_view piece);
  void finish_body();

  /// Reads the head of the answer; its status.
  int status();
  /// Of the answer's body, after status().
  std::uint64_t content_length() const noexcept { return length_; }
  /// An answer's header of the service, "" when it has none. Its name is in small letters.
  std::string header(std::string_view name) const;
  /// Hands the body on piece by piece. Throws when it ends early.
  void read_body(const std::function<void(std::string_view)>& each);

 private:
  void send_all(std::string_view bytes);
  std::size_t receive(char* buffer, std::size_t capacity);

  podium::sdk::Descriptor socket_;
  const bool chunked_;
  const bool headless_;  ///< HEAD: a length without a body
  std::string head_, rest_;
  std::uint64_t length_ = 0;
};
