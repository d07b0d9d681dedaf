// What a call into a plugin costs over a direct call: Response::tick of the heartbeat, once through
// the host's interface and the library, once on the same class compiled in here. Prints one JSON
// object.

#include <podium/testing.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "../../plugins/response/heartbeat/heartbeat.hpp"
#include "plugin/generation.hpp"

namespace {

constexpr int kRounds = 15, kCalls = 1'000'000;

/// Nanoseconds a call, the median of the rounds.
template <class Call>
double measure(std::string& out, Call&& call) {
  std::vector<double> each;
  for (int round = 0; round < kRounds; ++round) {
    out.clear();  // keeps its room: no allocation is measured
    const auto from = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    each.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - from).count() /
        kCalls);
  }
  std::sort(each.begin(), each.end());
  return each[kRounds / 2];
}

/// The buffer that the host hands to plugins, for the direct call too.
bool append(void* ctx, podium_bytes chunk) {
  static_cast<std::string*>(ctx)->append(chunk.data, chunk.size);
  return true;
}

std::shared_ptr<const podium::Generation> load(const std::string& library,
                                               podium::GenerationBuilder& builder) {
  podium::Config config;
  config.plugin_dir = std::filesystem::path(library).parent_path();
  config.plugins = {{"beat", library, podium::Json::object()},
                    {"files", std::string(PODIUM_STORAGE), podium::Json::object()}};
  config.storage = "files";
  return builder.build(config, nullptr);
}

}  // namespace

int main() {
  podium::Log log(2, podium::LogLevel::kError);
  podium::GenerationBuilder builder({log, [](std::function<void()> task) { task(); }, nullptr});
  const auto generation = load(PODIUM_HEARTBEAT, builder);
  auto& response = dynamic_cast<podium::Response&>(*generation->instances().at(0));
  std::string out;
  out.reserve(std::size_t{2} * kCalls);
  const auto stream = response.begin(out);
  const double through = measure(out, [&] { stream->tick(out); });

  podium::sdk::testing::FakeHost host;
  const auto config = podium::sdk::testing::make_config(podium::response::Heartbeat::kOptions);
  podium::response::Heartbeat own(host.host(), podium::sdk::Options(config.raw()));
  const podium_buffer buffer{sizeof buffer, &out, append};
  const auto direct_stream = own.begin(podium::sdk::Buffer(&buffer));
  const double direct = measure(out, [&] { direct_stream->tick(podium::sdk::Buffer(&buffer)); });

  std::printf("{\"direct_ns\":%.1f,\"plugin_ns\":%.1f,\"over_ns\":%.1f}\n", direct, through,
              through - direct);
  return 0;
}
