#pragma once
#include <memory>

#include "config/config.hpp"
#include "http/tls.hpp"
#include "obs/log.hpp"

namespace podium {

/// The certificate and key that a configuration names, told in the log with the day they expire;
/// nullptr when it names none. Throws Failure.
std::shared_ptr<const TlsCredentials> tls_credentials(const Config& config, Log& log);

}  // namespace podium
