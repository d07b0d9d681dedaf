#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "obs/meters.hpp"

namespace podium {

/// Counters, gauges and histograms of the daemon, by prometheus-cpp. Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void request_finished(std::string_view route, int status, double seconds, bool client_left);
  void run_finished(std::string_view language, std::string_view status, bool warm, double queue_s,
                    double staging_s, double run_s, double collect_s);
  void heartbeats_sent(unsigned count);
  enum class Reload { kOk, kRefused, kAbandoned };
  void reload(Reload result);
  /// The number of the generation at work, and how many replaced ones have not ended.
  void set_generations(std::uint64_t current, std::size_t left);
  void set_queue(unsigned running, unsigned waiting);
  void set_connections(unsigned open);
  /// Since the start; by one thread at a time.
  void set_log_lines_dropped(std::uint64_t lines);

  /// For the instance of a storage that has this name in the configuration.
  StorageMeter storage(const std::string& instance);
  DatabaseMeter database();

  /// One metric of a plugin at scrape time.
  struct Sample {
    std::string name, help, labels;  ///< labels as in Prometheus' text, without braces
    bool counter = false;
    double value = 0;
  };
  using Samples = std::function<void(const std::function<void(const Sample&)>&)>;

  /// Prometheus' text format; `plugins` is asked for the plugins' samples.
  std::string text(const Samples& plugins) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace podium
