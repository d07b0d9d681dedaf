#pragma once
#include <podium/sdk/options.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

namespace podium::s3 {

using std::chrono::milliseconds;

/// Who asks. The secret and the token are never logged.
struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< of temporary credentials; empty: none
};

/// Where a store is and how to talk to it.
struct Settings {
  bool tls = false;
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;
  std::string bucket;
  std::string prefix;  ///< of every object's name
  std::string region;
  bool virtual_host = false;  ///< the bucket is part of the host's name, not of the path
  bool create_bucket = false;
  std::string ca_file;  ///< empty: the system's authorities
  Credentials credentials;
  unsigned connections = 16;
  milliseconds connect_timeout{3000};
  milliseconds timeout{30'000};  ///< without a byte
  unsigned attempts = 4;
  std::size_t part_size = 5u << 20;
  bool sign_payload = false;  ///< over http: whether content is part of the signature

  /// "https://host:port", for messages.
  std::string endpoint() const;
  /// The host that requests name, with the port when it is not the scheme's own.
  std::string host_header() const;
  /// The host to connect to.
  std::string connect_host() const;
};

/// The table of options; static.
std::span<const podium_option> option_table() noexcept;

/// Checks what the table cannot. Throws Error(PODIUM_INVALID_ARGUMENT) that names the option.
Settings read_settings(const sdk::Options& options);

}  // namespace podium::s3
