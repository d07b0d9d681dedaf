#include "minio_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

namespace podium::test {

namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const sdk::Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string run_command(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), count);
  }
  if (::pclose(pipe) != 0) throw std::runtime_error(command + ": " + output);
  return output;
}

MinioServer::MinioServer(bool tls, std::filesystem::path data)
    : tls_(tls), data_(data.empty() ? folder_.path() / "data" : data), port_(free_port()) {
  std::filesystem::create_directories(data_);
  std::filesystem::create_directories(folder_.path() / "certs/CAs");
  if (tls_) make_certificate();
  start();
}

MinioServer::~MinioServer() { kill(); }

void MinioServer::make_certificate() const {
  run_command("cd " + (folder_.path() / "certs").native() +
              " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
              "   -subj '/CN=authority of the tests' -keyout authority.key -out CAs/authority.pem"
              " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
              "   -subj /CN=localhost -keyout private.key -out request.pem"
              " && printf 'subjectAltName=DNS:localhost\\n' > names"
              " && openssl x509 -req -in request.pem -CA CAs/authority.pem -CAkey authority.key"
              "   -CAcreateserial -days 2 -extfile names -out public.crt");
}

void MinioServer::start() {
  const char* binary = std::getenv("PODIUM_MINIO");
  if (binary == nullptr) {
    throw std::runtime_error("PODIUM_MINIO does not name the server; run ./run-tests --only minio");
  }
  const std::string certs = folder_.path() / "certs", data = data_;
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  const std::string log = folder_.path() / "log";
  std::vector<const char*> words = {binary,        "server",        "--quiet",
                                    "--address",   address.c_str(), "--certs-dir",
                                    certs.c_str(), data.c_str(),    nullptr};
  const std::string user = std::string("MINIO_ROOT_USER=") + kAccessKey;
  const std::string secret = std::string("MINIO_ROOT_PASSWORD=") + kSecretKey;
  const std::string home = "HOME=" + folder_.path().native();
  std::vector<const char*> environment = {
      user.c_str(),     secret.c_str(), home.c_str(), "MINIO_BROWSER=off", "MINIO_DOMAIN=localhost",
      "MINIO_CI_CD=on", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error =
      posix_spawn(&pid_, binary, &actions, nullptr, const_cast<char* const*>(words.data()),
                  const_cast<char* const*>(environment.data()));
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(std::string("cannot start ") + binary);

  const auto end = Clock::now() + std::chrono::seconds(60);
  while (!serves()) {
    if (Clock::now() > end || ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      throw std::runtime_error("MinIO does not serve: " + read_file(log));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Asked by another client than the one that is tested.
bool MinioServer::serves() const {
  const std::string command =
      "curl -fsS -o /dev/null --max-time 2 --resolve localhost:" + std::to_string(port_) +
      ":127.0.0.1 " + (tls_ ? "--cacert " + ca_file().native() + " " : "") + endpoint() +
      "/minio/health/cluster 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

void MinioServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void MinioServer::freeze() { ::kill(pid_, SIGSTOP); }
void MinioServer::thaw() { ::kill(pid_, SIGCONT); }

std::string MinioServer::endpoint() const {
  return (tls_ ? "https://localhost:" : "http://localhost:") + std::to_string(port_);
}

std::map<std::string, std::string> MinioServer::options(const std::string& bucket) const {
  std::map<std::string, std::string> options{{"endpoint", endpoint()},
                                             {"bucket", bucket},
                                             {"create_bucket", "true"},
                                             {"access_key", kAccessKey},
                                             {"secret_key", kSecretKey}};
  if (tls_) options["ca_file"] = ca_file();
  return options;
}

}  // namespace podium::test
