#include "connection.hpp"

#include <Poco/Buffer.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLException.h>
#include <Poco/String.h>

#include <podium/sdk/values.hpp>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace podium::s3 {

namespace {

using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPSClientSession;
using sdk::Error;
using Clock = std::chrono::steady_clock;

/// A body from this size on is sent when the store has said that it wants it, so that a refusal is
/// read instead of a reset.
constexpr std::size_t kAskFirst = 64 * 1024;
/// A store that does not know the question gets the body after this time.
constexpr milliseconds kAskPatience{1000};
constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kMostAtOnce = 1u << 30;  // Poco counts by int
/// A body this large is waited for in large pieces: to be woken for each packet costs more than to
/// copy it.
constexpr std::uint64_t kLargeBody = 1u << 20;
constexpr int kWaitFor = 128 * 1024;
/// How far the store may be ahead of who reads; the kernel doubles it, for its own needs, and would
/// allow up to 32 MiB by itself. What has waited there that long has left the processor's cache,
/// and a store that is done early leaves its processor idle while the reader works off the rest.
constexpr int kAhead = 4 << 20;
/// Servers close idle connections after half a minute or later.
constexpr std::chrono::seconds kIdleTime(20);

Poco::Timespan timespan(milliseconds time) { return {time.count() * Poco::Timespan::MILLISECONDS}; }

std::unique_ptr<HTTPClientSession> make_session(const Settings& settings,
                                                const Poco::Net::Context::Ptr& tls) {
  if (tls.isNull()) {
    return std::make_unique<HTTPClientSession>(settings.connect_host(), settings.port);
  }
  return std::make_unique<HTTPSClientSession>(settings.connect_host(), settings.port, tls);
}

}  // namespace

void read_range(const FileRange& range, const std::function<void(std::string_view)>& each) {
  if (range.length == 0) return;
  const std::unique_ptr<char[]> buffer(new char[kPiece]);
  for (std::uint64_t done = 0; done < range.length;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, range.length - done));
    const ssize_t got =
        ::pread(range.descriptor, buffer.get(), wanted, static_cast<off_t>(range.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw Error(PODIUM_UNAVAILABLE, "reading the file to be stored: " +
                                          (got < 0 ? std::generic_category().message(errno)
                                                   : std::string("it is shorter than was said")));
    }
    each({buffer.get(), static_cast<std::size_t>(got)});
    done += static_cast<std::uint64_t>(got);
  }
}

std::uint64_t Outgoing::size() const noexcept {
  std::uint64_t size = file.length;
  for (const std::string_view piece : body) size += piece.size();
  return size;
}

std::string Head::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Connection::Connection(const Settings& settings, const Poco::Net::Context::Ptr& tls,
                       milliseconds connect_timeout, milliseconds timeout)
    : name_(settings.endpoint()), timeout_(timeout), session_(make_session(settings, tls)) {
  session_->setKeepAlive(true);
  // The pool decides how long one may be idle.
  session_->setKeepAliveTimeout(Poco::Timespan(3600, 0));
  session_->setTimeout(timespan(connect_timeout), timespan(timeout), timespan(timeout));
}

/// Runs `body` and turns what Poco throws into Broken.
template <class F>
auto Connection::guarded(const char* doing, F&& body) {
  const auto broken = [&](Broken::Kind kind, const std::string& why) {
    reusable_ = false;
    return Broken(kind, std::string(doing) + " " + name_ + ": " + why);
  };
  const auto late = [&] {
    return broken(Broken::Kind::kTimeout,
                  "no byte within " + std::to_string(timeout_.count()) + " ms");
  };
  try {
    return body();
  } catch (const Poco::TimeoutException&) {
    if (!connected_) {
      throw broken(Broken::Kind::kTimeout, "no connection within the time for it");
    }
    throw late();
  } catch (const Poco::Net::CertificateValidationException& e) {
    throw broken(Broken::Kind::kTls, "its certificate is not trusted (" + e.message() +
                                         "): set ca_file to the authority that signed it, and "
                                         "name the host as the certificate does");
  } catch (const Poco::Net::SSLException& e) {
    // A connection that ends where more was to come, in the handshake or after it.
    if (connected_ || e.displayText().find("unexpected eof") != std::string::npos) {
      throw broken(Broken::Kind::kReset, "the connection broke: " + e.displayText());
    }
    throw broken(Broken::Kind::kTls, "no TLS: " + e.displayText() +
                                         "; if the certificate is of your own authority, set "
                                         "ca_file; if the store speaks plain HTTP, say http://");
  } catch (const Poco::Net::ConnectionRefusedException&) {
    throw broken(Broken::Kind::kConnect, "nobody listens there");
  } catch (const Poco::Net::DNSException& e) {
    throw broken(Broken::Kind::kConnect, "the host's name has no address: " + e.displayText());
  } catch (const Poco::Net::NoMessageException&) {
    throw broken(Broken::Kind::kReset, "closed without an answer");
  } catch (const Poco::IOException& e) {
    // What SO_RCVTIMEO ends looks like this too.
    if (e.code() == EAGAIN) throw late();
    throw broken(Broken::Kind::kReset, "the connection broke: " + e.displayText());
  } catch (const Poco::Exception& e) {
    throw broken(Broken::Kind::kReset, "no HTTP: " + e.displayText());
  }
}

Head Connection::exchange(const Outgoing& request) {
  Poco::Net::HTTPRequest message(request.method, request.target, Poco::Net::HTTPMessage::HTTP_1_1);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  const std::uint64_t size = request.size();
  if (size > 0 || request.method == "PUT" || request.method == "POST") {
    message.setContentLength64(static_cast<Poco::Int64>(size));
  }
  if (size >= kAskFirst) message.set("Expect", "100-continue");
  head_ = {};
  stream_ = nullptr;
  reusable_ = false;
  body_ended_ = false;
  response_.clear();
  guarded("asking", [&] {
    // Poco's text for what failed while a head was sent is kept inside the session.
    std::ostream& out = session_->sendRequest(message);
    out.flush();
    if (const Poco::Exception* failed = session_->networkException()) failed->rethrow();
    session_->socket().setSendTimeout(timespan(timeout_));
    connected_ = true;
  });
  bool sent = true;
  if (size > 0) {
    sent = wants_body(request);
    if (sent) {
      try {
        guarded("sending to", [&] { send_body(request); });
      } catch (const Broken& broken) {
        if (broken.kind() != Broken::Kind::kReset) throw;
        // The store may have said why before it closed; when it has not, this is what is told.
        try {
          receive_head(request.method);
        } catch (const Broken&) {
          throw broken;
        }
        reusable_ = false;
        return head_;
      }
    }
  }
  receive_head(request.method);
  if (!sent) reusable_ = false;  // it does not know that no body comes
  return head_;
}

/// Waits for the store's word on a large body; false: it has answered without it.
bool Connection::wants_body(const Outgoing& request) {
  if (request.size() < kAskFirst) return true;
  return guarded("asking", [&] {
    if (!session_->socket().poll(timespan(kAskPatience), Poco::Net::Socket::SELECT_READ))
      return true;
    return session_->peekResponse(response_);
  });
}

void Connection::send_body(const Outgoing& request) {
  for (const std::string_view piece : request.body) send_bytes(piece);
  if (request.file.length == 0) return;
  if (session_->secure()) {
    read_range(request.file, [this](std::string_view bytes) { send_bytes(bytes); });
  } else {
    send_file(request.file);
  }
}

void Connection::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const int sent = session_->socket().sendBytes(bytes.data(),
                                                  static_cast<int>(std::min(bytes.size(), kPiece)));
    if (sent <= 0) throw Poco::TimeoutException("sending");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// From the page cache to the socket, without a copy through this process.
void Connection::send_file(FileRange file) {
  const int socket = session_->socket().impl()->sockfd();
  auto offset = static_cast<off_t>(file.offset);
  while (file.length > 0) {
    const ssize_t sent =
        ::sendfile(socket, file.descriptor, &offset, static_cast<std::size_t>(file.length));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) throw Poco::TimeoutException("sending");
    if (sent < 0) throw Poco::Net::ConnectionResetException(std::generic_category().message(errno));
    if (sent == 0) {
      throw Error(PODIUM_UNAVAILABLE, "sending the file to be stored: it is shorter than was said");
    }
    file.length -= static_cast<std::uint64_t>(sent);
  }
}

void Connection::receive_head(const std::string& method) {
  guarded("waiting for", [&] {
    stream_ = &session_->receiveResponse(response_);
    head_.status = response_.getStatus();
    for (const auto& [name, value] : response_) {
      head_.headers.emplace(Poco::toLower(name), value);
    }
    if (response_.hasContentLength() && !response_.getChunkedTransferEncoding()) {
      head_.length = static_cast<std::uint64_t>(response_.getContentLength64());
    }
    const bool no_body = method == "HEAD" || head_.status == 204 || head_.status == 304;
    Poco::Buffer<char> rest(0);
    buffered_.clear();
    if (!no_body && head_.length) {
      session_->drainBuffer(rest);
      buffered_.assign(rest.begin(), rest.size());
    }
    left_ = no_body ? 0 : head_.length.value_or(0);
    body_ended_ = no_body || (head_.length && left_ == 0);
    reusable_ = response_.getKeepAlive() && buffered_.size() <= left_;
    if (left_ >= kLargeBody) bound_ahead();
    if (left_ >= kLargeBody && !session_->secure()) wait_for(kWaitFor);
    ++answers_;
  });
}

/// Where podiumd may not do so (CAP_NET_ADMIN), the kernel's own bound is what there is:
/// SO_RCVBUF could not go beyond net.core.rmem_max, often too little for a distant store.
void Connection::bound_ahead() {
  if (std::exchange(ahead_bound_, true)) return;
  const int socket = session_->socket().impl()->sockfd();
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kAhead, sizeof kAhead);
}

/// From now on a read returns when about so many bytes have come, or the connection has ended, or
/// its time is up (SO_RCVLOWAT, socket(7)).
void Connection::wait_for(int bytes) {
  session_->socket().impl()->setOption(SOL_SOCKET, SO_RCVLOWAT, bytes);
  waits_for_ = bytes;
}

std::size_t Connection::read(char* buffer, std::size_t capacity) {
  if (body_ended_ || capacity == 0) return 0;
  return guarded("reading from", [&]() -> std::size_t {
    if (!head_.length) {
      stream_->read(buffer, static_cast<std::streamsize>(capacity));
      const auto count = static_cast<std::size_t>(stream_->gcount());
      if (const Poco::Exception* failed = session_->networkException()) failed->rethrow();
      if (count == 0) body_ended_ = true;
      if (!response_.getChunkedTransferEncoding()) reusable_ = false;
      return count;
    }
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(capacity, left_));
    std::size_t count = std::min(wanted, buffered_.size());
    if (count > 0) {
      std::memcpy(buffer, buffered_.data(), count);
      buffered_.erase(0, count);
    } else {
      const int got = session_->socket().receiveBytes(
          buffer, static_cast<int>(std::min<std::size_t>(wanted, kMostAtOnce)));
      if (got < 0) throw Poco::TimeoutException("receiving");
      if (got == 0) {
        throw Poco::IOException("closed with " + std::to_string(left_) + " bytes to come");
      }
      count = static_cast<std::size_t>(got);
    }
    left_ -= count;
    body_ended_ = left_ == 0;
    // What comes last is less than is waited for: the kernel would not wake us.
    if (waits_for_ > 1 && left_ < 3 * kWaitFor) wait_for(1);
    return count;
  });
}

bool Connection::quiet() {
  try {
    return session_->connected() &&
           !session_->socket().poll(Poco::Timespan(0), Poco::Net::Socket::SELECT_READ);
  } catch (const Poco::Exception&) {
    return false;
  }
}

ConnectionPool::ConnectionPool(const Settings& settings) : settings_(settings) {
  Poco::Net::initializeSSL();
  if (!settings.tls) return;
  try {
    // STRICT: RELAXED does not check the name for localhost.
    tls_ = new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", "", settings.ca_file,
                                  Poco::Net::Context::VERIFY_STRICT, 9, settings.ca_file.empty());
    tls_->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
  } catch (const Poco::Exception& e) {
    Poco::Net::uninitializeSSL();
    throw Error(PODIUM_INVALID_ARGUMENT,
                "ca_file: " + settings.ca_file + " holds no certificates: " + e.displayText());
  }
}

ConnectionPool::~ConnectionPool() {
  idle_.clear();
  tls_ = nullptr;
  Poco::Net::uninitializeSSL();
}

std::unique_ptr<Connection> ConnectionPool::take(bool fresh) {
  std::vector<std::unique_ptr<Connection>> stale;  // closed outside the lock
  if (!fresh) {
    std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      std::unique_ptr<Connection> last = std::move(idle_.back());
      idle_.pop_back();
      if (Clock::now() - last->idle_since < kIdleTime && last->quiet()) return last;
      stale.push_back(std::move(last));
    }
  }
  return make(settings_.connect_timeout, settings_.timeout);
}

void ConnectionPool::give(std::unique_ptr<Connection> connection) {
  if (!connection->reusable()) return;
  connection->idle_since = Clock::now();
  std::unique_ptr<Connection> oldest;
  std::lock_guard lock(mutex_);
  if (idle_.size() >= settings_.connections) {
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
  idle_.push_back(std::move(connection));
}

std::unique_ptr<Connection> ConnectionPool::make(milliseconds connect_timeout,
                                                 milliseconds timeout) const {
  return std::make_unique<Connection>(settings_, tls_, connect_timeout, timeout);
}

std::size_t ConnectionPool::idle() const {
  std::lock_guard lock(mutex_);
  return idle_.size();
}

}  // namespace podium::s3
