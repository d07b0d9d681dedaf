#pragma once
#include <podium/sdk/testing/fake_host.hpp>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace podium::test {

/// A real MinIO server on a free port of loopback, of its own folder; killed at the end. The
/// binary is the one that PODIUM_MINIO names.
class MinioServer {
 public:
  static constexpr const char* kAccessKey = "podium-tests";
  static constexpr const char* kSecretKey = "a secret of the tests";

  /// Starts it and waits until it serves. With `tls`, by a certificate for localhost of an
  /// authority of its own. Throws std::runtime_error with what it said.
  explicit MinioServer(bool tls, std::filesystem::path data = {});
  MinioServer(const MinioServer&) = delete;
  MinioServer& operator=(const MinioServer&) = delete;
  ~MinioServer();

  void kill();
  /// Stops all its threads, or lets them go on: a store that has nothing to say.
  void freeze();
  void thaw();
  /// Starts it again on the same port and data.
  void start();

  std::string endpoint() const;
  std::filesystem::path ca_file() const { return folder_.path() / "certs/CAs/authority.pem"; }
  std::uint16_t port() const noexcept { return port_; }
  /// Options of a storage on a bucket of this server; more may be added.
  std::map<std::string, std::string> options(const std::string& bucket) const;

 private:
  void make_certificate() const;
  bool serves() const;

  sdk::testing::TempDir folder_;
  const bool tls_;
  const std::filesystem::path data_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

/// Runs a shell command; throws std::runtime_error with its output when it fails.
std::string run_command(const std::string& command);

}  // namespace podium::test
