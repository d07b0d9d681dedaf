#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include "base/failure.hpp"

namespace podium {
namespace {

namespace fs = std::filesystem;

/// What OpenSSL says about its last failure; it never says contents.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (text != nullptr) return text;
  return ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code)) : "no reason is known";
}

Failure refusal(const char* key, const fs::path& file, const std::string& why) {
  ERR_clear_error();
  return {Code::kInvalidArgument, std::string("/tls/") + key + ": " + file.string() + ": " + why};
}

/// The one protocol of this server, for clients that ask which (RFC 7301).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kHttp.data(), kHttp.size(), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");  // of TLS 1.2
  // An end without close_notify is an end: HTTP says itself how long its messages are.
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets do it without memory
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::string name_of(X509_NAME* name) {
  BIO* text = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  std::string out(data, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(text);
  return out;
}

}  // namespace

std::shared_ptr<const TlsCredentials> TlsCredentials::load(const fs::path& certificate,
                                                           const fs::path& key) {
  ERR_clear_error();
  std::shared_ptr<TlsCredentials> made(new TlsCredentials);
  made->context_ = SSL_CTX_new(TLS_server_method());
  if (made->context_ == nullptr) throw Failure(Code::kInternal, "OpenSSL: " + reason());
  SSL_CTX* context = made->context_;
  set_rules(context);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    throw refusal("certificate", certificate,
                  reason() + "; expected PEM that the daemon's account may read");
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    throw refusal("key", key,
                  reason() +
                      "; expected the certificate's private key as PEM, without a pass "
                      "phrase, that the daemon's account may read");
  }
  X509* own = SSL_CTX_get0_certificate(context);
  made->subject_ = name_of(X509_get_subject_name(own));
  made->expires_ = seconds_of(X509_get0_notAfter(own));
  return made;
}

TlsCredentials::~TlsCredentials() { SSL_CTX_free(context_); }

TlsStream::TlsStream(std::shared_ptr<const TlsCredentials> credentials, int fd)
    : credentials_(std::move(credentials)), ssl_(SSL_new(credentials_->context())) {
  if (ssl_ == nullptr || SSL_set_fd(ssl_, fd) != 1) {
    SSL_free(ssl_);
    throw Failure(Code::kResourceExhausted, "OpenSSL has no memory for a connection");
  }
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

/// What a call of OpenSSL came to, as of a system call.
ssize_t TlsStream::outcome(int result) {
  const int system_error = errno;
  wants_write_ = false;
  if (result > 0) return result;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      [[fallthrough]];
    case SSL_ERROR_WANT_READ:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      errno = system_error == 0 || system_error == EAGAIN ? ECONNRESET : system_error;
      return -1;
    default:
      break;
  }
  broken_ = true;
  plain_http_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  errno = EPROTO;
  return -1;
}

ssize_t TlsStream::read(char* buffer, std::size_t most) {
  ERR_clear_error();
  errno = 0;
  const int size = static_cast<int>(std::min<std::size_t>(most, INT_MAX));
  return outcome(SSL_read(ssl_, buffer, size));
}

ssize_t TlsStream::write(const char* bytes, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  const int part = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  return outcome(SSL_write(ssl_, bytes, part));
}

int TlsStream::handshake() {
  ERR_clear_error();
  errno = 0;
  const ssize_t result = outcome(SSL_do_handshake(ssl_));
  if (result == 0) errno = ECONNRESET;
  return result > 0 ? 1 : -1;
}

bool TlsStream::has_pending() const noexcept { return SSL_pending(ssl_) > 0; }

void TlsStream::close_notify() noexcept {
  if (broken_ || SSL_is_init_finished(ssl_) == 0) return;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(ssl_));
  ERR_clear_error();
}

}  // namespace podium
