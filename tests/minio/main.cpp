#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "servers.hpp"

namespace podium::test {

namespace {

std::array<std::unique_ptr<MinioServer>, 2> servers;

class Servers : public testing::Environment {
  void TearDown() override {
    for (auto& server : servers) server.reset();
  }
};

/// What the process of ASkewedClockIsNamed does: prints what a put answers.
int put_once(const char* endpoint) {
  LoadedStorage storage(PODIUM_MINIO_PLUGIN,
                        std::map<std::string, std::string>{
                            {"endpoint", endpoint},
                            {"ca_file", std::getenv("PODIUM_SKEW_CA")},
                            {"bucket", "skewed"},
                            {"access_key", MinioServer::kAccessKey},
                            {"secret_key", MinioServer::kSecretKey}});
  std::puts(storage.put("key", "content").message.c_str());
  return 0;
}

/// What the process of TheOtherStyleIsUnderstoodToo does: prints whether the server does.
int go_there_and_back_in_virtual_style(const char* endpoint) {
  LoadedStorage storage(PODIUM_MINIO_PLUGIN,
                        std::map<std::string, std::string>{
                            {"endpoint", endpoint},
                            {"bucket", "virtual-style"},
                            {"create_bucket", "true"},
                            {"style", "virtual-host"},
                            {"access_key", MinioServer::kAccessKey},
                            {"secret_key", MinioServer::kSecretKey}});
  const Outcome put = storage.put("a key/with ü and %", "content");
  std::string out;
  const Outcome get = storage.get("a key/with ü and %", out);
  std::puts(put.ok() && get.ok() && out == "content" && storage.keys().size() == 1
                ? "it came back"
                : (put.message + get.message).c_str());
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // as in the daemon
  if (const char* endpoint = std::getenv("PODIUM_SKEW_ENDPOINT")) return put_once(endpoint);
  if (const char* endpoint = std::getenv("PODIUM_VIRTUAL_ENDPOINT")) {
    return go_there_and_back_in_virtual_style(endpoint);
  }
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new Servers);
  return RUN_ALL_TESTS();
}

MinioServer& shared_server(bool tls) {
  auto& server = servers.at(tls ? 1 : 0);
  if (!server) server = std::make_unique<MinioServer>(tls);
  return *server;
}

std::unique_ptr<LoadedStorage> open_storage(const MinioServer& server, const std::string& bucket,
                                            const std::map<std::string, std::string>& more) {
  auto options = server.options(bucket);
  for (const auto& [name, value] : more) options[name] = value;
  return std::make_unique<LoadedStorage>(PODIUM_MINIO_PLUGIN, options);
}

std::string new_bucket() {
  static std::atomic<int> count{0};
  return "bucket-" + std::to_string(++count);
}

std::pair<std::uint32_t, std::string> health_of(LoadedStorage& storage, int deadline_ms) {
  const auto* health = static_cast<const podium_health*>(storage.extension(PODIUM_EXT_HEALTH));
  std::string detail;
  const podium_buffer buffer{sizeof buffer, &detail, [](void* ctx, podium_bytes chunk) {
                               static_cast<std::string*>(ctx)->append(chunk.data, chunk.size);
                               return true;
                             }};
  std::uint32_t state = 99;
  health->check(storage.self(), deadline_ms, &state, &buffer);
  return {state, detail};
}

}  // namespace podium::test

int main(int argc, char** argv) { return podium::test::run(argc, argv); }
