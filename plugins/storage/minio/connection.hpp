#pragma once
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPResponse.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace podium::s3 {

/// No answer, or not the whole of it: the connection is of no use any more.
class Broken : public std::runtime_error {
 public:
  enum class Kind {
    kConnect,  ///< nobody listens, or no such host
    kTls,      ///< no trust, or no TLS at the other end: trying again does not help
    kTimeout,
    kReset  ///< closed in the middle
  };
  Broken(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

/// The first part of an answer.
struct Head {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::optional<std::uint64_t> length;         ///< of the body

  /// The header's value; empty: there is none.
  std::string header(const std::string& name) const;
};

/// A part of a file.
struct FileRange {
  int descriptor = -1;  ///< borrowed
  std::uint64_t offset = 0, length = 0;
};

/// Reads a part of a file piece by piece. Throws Error(PODIUM_UNAVAILABLE) when it cannot be read.
void read_range(const FileRange& range, const std::function<void(std::string_view)>& each);

/// The signed request as it goes out.
struct Outgoing {
  std::string method, target;
  std::map<std::string, std::string> headers;
  std::vector<std::string_view> body;  ///< borrowed; one after the other
  FileRange file{};                    ///< the body, when it has a length

  std::uint64_t size() const noexcept;  ///< of the body
};

/// One connection to the store, for one request after the other. Poco's session connects, makes
/// TLS and reads heads; bodies pass by its streams, whose 4 KiB buffers cost a system call each,
/// and whose end does not tell a whole body from a cut one. One thread at a time.
class Connection {
 public:
  /// Connects with the first request.
  Connection(const Settings& settings, const Poco::Net::Context::Ptr& tls,
             milliseconds connect_timeout, milliseconds timeout);

  /// Sends a request and reads the head of its answer. Throws Broken.
  Head exchange(const Outgoing& request);
  /// The next bytes of the body; 0: its end. Throws Broken, also when the body was cut.
  std::size_t read(char* buffer, std::size_t capacity);
  /// Whether the whole body has been read and another request may follow.
  bool reusable() const noexcept { return reusable_ && body_ended_; }
  /// Whether the other end has neither closed it nor sent what nobody asked for.
  bool quiet();
  /// Whether any request has been answered on it.
  bool answered_before() const noexcept { return answers_ > 0; }

  std::chrono::steady_clock::time_point idle_since;

 private:
  void send_body(const Outgoing& request);
  void send_bytes(std::string_view bytes);
  void send_file(FileRange file);
  bool wants_body(const Outgoing& request);
  void receive_head(const std::string& method);
  void bound_ahead();
  void wait_for(int bytes);
  template <class F>
  auto guarded(const char* doing, F&& body);

  const std::string name_;  // of the store, for messages
  const milliseconds timeout_;
  std::unique_ptr<Poco::Net::HTTPClientSession> session_;
  Poco::Net::HTTPResponse response_;
  Head head_;
  std::istream* stream_ = nullptr;  // of a body without length
  std::string buffered_;            // of the body, read together with the head
  std::uint64_t left_ = 0;
  int waits_for_ = 1;  // bytes
  bool connected_ = false, ahead_bound_ = false, body_ended_ = true, reusable_ = false;
  unsigned answers_ = 0;
};

/// Connections that wait for their next request. Any thread.
class ConnectionPool {
 public:
  /// Throws Error(PODIUM_INVALID_ARGUMENT) when ca_file holds no certificates.
  explicit ConnectionPool(const Settings& settings);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  /// The one that was used last, or a new one; a new one for sure when `fresh`.
  std::unique_ptr<Connection> take(bool fresh = false);
  /// Takes one back; one that cannot be used again is closed.
  void give(std::unique_ptr<Connection> connection);
  /// A new one with bounds of its own, for checks. Not to be given back.
  std::unique_ptr<Connection> make(milliseconds connect_timeout, milliseconds timeout) const;

  std::size_t idle() const;

 private:
  const Settings& settings_;
  Poco::Net::Context::Ptr tls_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// A connection on loan: goes back to the pool at the end of its life.
class Lease {
 public:
  Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  /// Of a connection that nobody else is to use, as its time-outs are its own.
  explicit Lease(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (connection_ && pool_ != nullptr) pool_->give(std::move(connection_));
  }
  Connection& operator*() const noexcept { return *connection_; }
  Connection* operator->() const noexcept { return connection_.get(); }

 private:
  ConnectionPool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

}  // namespace podium::s3
