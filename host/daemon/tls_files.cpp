#include "daemon/tls_files.hpp"

#include "base/time.hpp"

namespace podium {

std::shared_ptr<const TlsCredentials> tls_credentials(const Config& config, Log& log) {
  if (!config.tls.enabled()) return nullptr;
  auto credentials =
      TlsCredentials::load(config.resolve(config.tls.certificate), config.resolve(config.tls.key));
  const EpochMs expires = credentials->expires() * 1000;
  const EpochMs left = expires - epoch_ms_now();
  constexpr EpochMs kSoon = 14LL * 86'400'000;
  const char* what = left <= 0      ? "the TLS certificate has expired: clients will refuse it"
                     : left < kSoon ? "the TLS certificate expires soon"
                                    : "the TLS certificate is good";
  log.write(left < kSoon ? LogLevel::kWarning : LogLevel::kInfo, what,
            {{"subject", credentials->subject()}, {"expires", iso8601(expires)}});
  return credentials;
}

}  // namespace podium
