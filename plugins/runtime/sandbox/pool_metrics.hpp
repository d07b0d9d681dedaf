#pragma once
#include <podium/sdk/extensions.hpp>

#include "sandboxes.hpp"

namespace podium::sandbox {

/// Limits of the sandboxes made before any run has said what it needs: the host's defaults.
inline constexpr ShellLimits kFirstLimits{512u << 20, 128, 512u << 20, 10'000, 1000, 0};

/// What making one took on average.
inline std::uint64_t mean_refill_ms(const PoolState& s) {
  return s.refills == 0
             ? 0
             : static_cast<std::uint64_t>(s.refill_seconds * 1000 / static_cast<double>(s.refills));
}

/// The same for people, as a JSON object.
inline std::string state_json(const PoolState& s) {
  const auto field = [](const char* name, std::uint64_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  };
  return "{" + field("available", s.available) + field("busy", s.busy) + field("target", s.target) +
         field("starting", s.starting) + field("waiting", s.waiting) + field("hits", s.hits) +
         field("misses", s.misses) + field("timeouts", s.timeouts) + field("deaths", s.deaths) +
         field("recycles", s.recycles) + field("refills", s.refills) +
         field("refill_ms", mean_refill_ms(s)) + "\"left_out\":" + (s.left_out ? "true" : "false") +
         ",\"zygote_ready\":" + (s.zygote_ready ? "true" : "false") + "}";
}

/// What every runtime of sandboxes tells of its pools, by tier.
inline void collect_metrics(const Sandboxes& sandboxes, const sdk::MetricSink& metrics) {
  for (std::size_t i = 0; i < sandboxes.options().size(); ++i) {
    const PoolState s = sandboxes.state(i);
    const std::string label = "tier=\"" + sandboxes.options()[i].tier + "\"";
    const auto gauge = [&](const char* name, const char* help, double value) {
      metrics.gauge(name, help, value, label.c_str());
    };
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
      metrics.counter(name, help, static_cast<double>(value), label.c_str());
    };
    gauge("podium_pool_available", "Sandboxes that wait for a run", s.available);
    gauge("podium_pool_busy", "Sandboxes with a run in them", s.busy);
    gauge("podium_pool_target", "Sandboxes that ought to wait", s.target);
    gauge("podium_pool_starting", "Sandboxes in the making", s.starting);
    gauge("podium_pool_waiting", "Runs that wait for a sandbox", s.waiting);
    counter("podium_pool_hits_total", "Runs that met a waiting sandbox", s.hits);
    counter("podium_pool_misses_total", "Runs that found none waiting", s.misses);
    counter("podium_pool_timeouts_total", "Runs that gave up waiting for one", s.timeouts);
    counter("podium_pool_deaths_total", "Sandboxes that died before their run ended", s.deaths);
    counter("podium_pool_recycles_total", "Zygotes replaced by age or count", s.recycles);
    counter("podium_pool_refills_total", "Sandboxes made", s.refills);
    metrics.counter("podium_pool_refill_seconds_total", "Time it took to make them",
                    s.refill_seconds, label.c_str());
  }
}

}  // namespace podium::sandbox
