#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

// Of OpenSSL, whose headers nobody else needs.
struct ssl_st;
struct ssl_ctx_st;

namespace podium {

/// A certificate with its private key, and the rules by which it is used: TLS 1.2 and 1.3 with
/// forward secrecy. Immutable; any thread.
class TlsCredentials {
 public:
  /// Reads two files of PEM; the certificate's may hold those up to the authority behind it. Throws
  /// Failure(kInvalidArgument) that names the file, also when the key belongs to another one.
  static std::shared_ptr<const TlsCredentials> load(const std::filesystem::path& certificate,
                                                    const std::filesystem::path& key);
  ~TlsCredentials();
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  /// "CN=podium.example.org".
  const std::string& subject() const noexcept { return subject_; }
  /// Seconds since 1970.
  std::int64_t expires() const noexcept { return expires_; }
  ssl_ctx_st* context() const noexcept { return context_; }

 private:
  TlsCredentials() = default;

  ssl_ctx_st* context_ = nullptr;
  std::string subject_;
  std::int64_t expires_ = 0;
};

/// The server's side of TLS on a connected socket that does not block. I/O thread.
///
/// It reads and writes the socket itself, and only when it is called, so that a connection that
/// waits has no buffers; between the calls one waits for the socket as for a plain one.
class TlsStream {
 public:
  TlsStream(std::shared_ptr<const TlsCredentials> credentials, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// As recv(2) and send(2) without blocking: bytes; 0 at the end of the stream; -1 with errno
  /// EAGAIN when the socket is to be waited for, or with another errno for a broken one.
  ssize_t read(char* buffer, std::size_t most);
  ssize_t write(const char* bytes, std::size_t size);
  /// 1 when the handshake is done, else -1 as above; EPROTO for a peer that does not speak TLS.
  int handshake();
  /// After EAGAIN: whether the socket is to be waited for until it can be written.
  bool wants_write() const noexcept { return wants_write_; }
  /// Bytes have been decrypted that no readability of the socket tells of.
  bool has_pending() const noexcept;
  /// Tells the peer, as far as that goes without waiting, that nothing more will come.
  void close_notify() noexcept;
  /// After a failed handshake: the peer speaks HTTP without TLS.
  bool spoke_plain_http() const noexcept { return plain_http_; }

 private:
  ssize_t outcome(int result);

  std::shared_ptr<const TlsCredentials> credentials_;
  ssl_st* ssl_;
  bool wants_write_ = false;
  bool plain_http_ = false;
  bool broken_ = false;
};

}  // namespace podium
