#include "obs/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/utf8.hpp"
#include "obs/samples.hpp"

namespace podium {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

/// The registry, and the names in it: it does not tell those of metrics without a value yet.
struct Names {
  prometheus::Registry registry;
  std::set<std::string> taken;

  Family<Counter>& counters(const char* name, const char* help) {
    taken.insert(name);
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }

  Gauge& gauge(const char* name, const char* help) {
    taken.insert(name);
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  Family<Histogram>& histograms(const char* name, const char* help) {
    for (const char* suffix : {"", "_bucket", "_sum", "_count"}) {
      taken.insert(std::string(name) + suffix);
    }
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
};

/// Seconds; from a warm run (1 ms) to the longest that a client waits for (10 min).
Histogram::BucketBoundaries seconds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600};
}

/// Seconds; from a look into a cached page (50 µs) to what is given up.
Histogram::BucketBoundaries short_seconds() {
  return {0.00005, 0.0002, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60};
}

}  // namespace

struct Metrics::State {
  Names names;
  Family<Counter>& requests = names.counters("podium_requests_total", "Requests answered.");
  Family<Counter>& clients_left = names.counters(
      "podium_clients_left_total", "Requests whose client left before the last byte.");
  Family<Histogram>& request_seconds = names.histograms(
      "podium_request_seconds", "From the request's head to the answer's last byte.");
  Family<Counter>& runs = names.counters("podium_runs_total", "Runs by how they ended.");
  Family<Counter>& starts =
      names.counters("podium_run_starts_total", "Runs by what they started in.");
  Family<Histogram>& phase_seconds =
      names.histograms("podium_run_phase_seconds", "Time that runs spent in each phase.");
  Counter& heartbeats =
      names.counters("podium_heartbeats_total", "Heartbeats sent to waiting clients.").Add({});
  Family<Counter>& reloads =
      names.counters("podium_reloads_total", "Reloads of the configuration.");
  Gauge& last_reload_good =
      names.gauge("podium_config_last_reload_successful",
                  "1 when the last reload was taken over, or there was none.");
  Gauge& last_good_reload =
      names.gauge("podium_config_last_reload_success_timestamp_seconds",
                  "When the configuration at work was read, in seconds since 1970.");
  Gauge& generation = names.gauge("podium_config_generation",
                                  "Number of the configuration at work; 1 is that of the start.");
  Gauge& generations_left =
      names.gauge("podium_config_generations_left",
                  "Replaced configurations that have not ended: requests or plugins hold them.");
  Family<Histogram>& storage_seconds = names.histograms(
      "podium_storage_operation_seconds", "Time that a storage took for what it was asked for.");
  Family<Counter>& storage_errors = names.counters(
      "podium_storage_errors_total", "What a storage was asked for and could not do.");
  Family<Counter>& storage_bytes = names.counters(
      "podium_storage_bytes_total", "Bytes of content that went in to a storage and came out.");
  Family<Histogram>& database_seconds = names.histograms(
      "podium_database_operation_seconds",
      "Time of a read of the database, or of a write with its wait for the disk; one write serves "
      "all who wait for it.");
  Counter& database_writes =
      names.counters("podium_database_writes_total", "Changes that the database has kept.").Add({});
  Family<Counter>& database_errors = names.counters(
      "podium_database_errors_total", "Reads and writes that the database could not do.");
  Gauge& database_waiting = names.gauge("podium_database_writes_waiting",
                                        "Changes that wait for the next write of the database.");
  Gauge& running = names.gauge("podium_runs_running", "Runs in progress.");
  Gauge& waiting = names.gauge("podium_runs_waiting", "Runs in the queue.");
  Counter& log_lines_dropped =
      names
          .counters("podium_log_lines_dropped_total",
                    "Lines of the log that were lost: it is not read fast enough, or not at all.")
          .Add({});
  Gauge& connections = names.gauge("podium_connections_open", "Connections of clients.");
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->last_reload_good.Set(1);
  state_->last_good_reload.SetToCurrentTime();
  state_->generation.Set(1);
}
Metrics::~Metrics() = default;

void Metrics::request_finished(std::string_view route, int status, double seconds_taken,
                               bool client_left) {
  const std::string name = to_utf8(route);
  state_->requests.Add({{"route", name}, {"status", std::to_string(status)}}).Increment();
  state_->request_seconds.Add({{"route", name}}, seconds()).Observe(seconds_taken);
  if (client_left) state_->clients_left.Add({{"route", name}}).Increment();
}

void Metrics::run_finished(std::string_view language, std::string_view status, bool warm,
                           double queue_s, double staging_s, double run_s, double collect_s) {
  const std::string name = to_utf8(language);
  state_->runs.Add({{"language", name}, {"status", to_utf8(status)}}).Increment();
  state_->starts.Add({{"language", name}, {"start", warm ? "warm" : "cold"}}).Increment();
  const auto observe = [&](const char* phase, double value) {
    state_->phase_seconds.Add({{"language", name}, {"phase", phase}}, seconds()).Observe(value);
  };
  observe("queue", queue_s);
  observe("staging", staging_s);
  observe("run", run_s);
  observe("collect", collect_s);
}

void Metrics::heartbeats_sent(unsigned count) { state_->heartbeats.Increment(count); }

void Metrics::reload(Reload result) {
  const char* names[] = {"ok", "failed", "abandoned"};
  state_->reloads.Add({{"result", names[static_cast<unsigned>(result)]}}).Increment();
  state_->last_reload_good.Set(result == Reload::kOk ? 1 : 0);
  if (result == Reload::kOk) state_->last_good_reload.SetToCurrentTime();
}

void Metrics::set_generations(std::uint64_t current, std::size_t left) {
  state_->generation.Set(static_cast<double>(current));
  state_->generations_left.Set(static_cast<double>(left));
}

void Metrics::set_queue(unsigned running, unsigned waiting) {
  state_->running.Set(running);
  state_->waiting.Set(waiting);
}

void Metrics::set_connections(unsigned open) { state_->connections.Set(open); }

void Metrics::set_log_lines_dropped(std::uint64_t lines) {
  Counter& counter = state_->log_lines_dropped;
  counter.Increment(std::max(0.0, static_cast<double>(lines) - counter.Value()));
}

StorageMeter Metrics::storage(const std::string& instance) {
  const std::string name = to_utf8(instance);
  StorageMeter meter;
  for (std::size_t i = 0; i < kStorageCalls; ++i) {
    const std::string call = to_string(static_cast<StorageCall>(i));
    meter.seconds_[i] =
        &state_->storage_seconds.Add({{"plugin", name}, {"operation", call}}, short_seconds());
    meter.errors_[i] = &state_->storage_errors.Add({{"plugin", name}, {"operation", call}});
  }
  meter.in_ = &state_->storage_bytes.Add({{"plugin", name}, {"direction", "in"}});
  meter.out_ = &state_->storage_bytes.Add({{"plugin", name}, {"direction", "out"}});
  return meter;
}

DatabaseMeter Metrics::database() {
  DatabaseMeter meter;
  meter.write_seconds_ = &state_->database_seconds.Add({{"operation", "write"}}, short_seconds());
  meter.read_seconds_ = &state_->database_seconds.Add({{"operation", "read"}}, short_seconds());
  meter.writes_ = &state_->database_writes;
  meter.write_errors_ = &state_->database_errors.Add({{"operation", "write"}});
  meter.read_errors_ = &state_->database_errors.Add({{"operation", "read"}});
  meter.waiting_ = &state_->database_waiting;
  return meter;
}

std::string Metrics::text(const Samples& plugins) const {
  constexpr const char* kRefused = "podium_plugin_samples_refused";
  std::set<std::string> taken = state_->names.taken;
  taken.insert(kRefused);
  SampleCollection samples(std::move(taken));
  if (plugins) plugins([&](const Sample& sample) { samples.add(sample); });

  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, state_->names.registry.Collect());
  SampleCollection refused({});
  refused.add({kRefused, "Samples of plugins left out of this page as malformed, or given twice.",
               "", false, static_cast<double>(samples.refused())});
  return out.str() + samples.text() + refused.text();
}

}  // namespace podium
