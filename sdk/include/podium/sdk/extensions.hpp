#pragma once
/// What an instance of any kind may offer besides its kind: derive the class from these too.

#include <podium/sdk/values.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace podium::sdk {

/// How an instance is.
struct HealthReport {
  podium_health_state state = PODIUM_HEALTHY;
  std::string detail;  ///< one JSON object of facts for people, or empty
};

/// podium.health/1
class Health {
 public:
  virtual ~Health() = default;
  /// Any thread; must return within `deadline`. What it throws means unhealthy.
  virtual HealthReport health(std::chrono::milliseconds deadline) = 0;
};

/// Takes the metrics of one scrape.
class MetricSink {
 public:
  MetricSink(void* ctx, void (*each)(void*, const podium_metric*)) noexcept
      : ctx_(ctx), each_(each) {}

  /// `labels` as in Prometheus' text format without braces: tier="full".
  void counter(const char* name, const char* help, double value, const char* labels = "") const {
    pass(PODIUM_COUNTER, name, help, value, labels);
  }
  void gauge(const char* name, const char* help, double value, const char* labels = "") const {
    pass(PODIUM_GAUGE, name, help, value, labels);
  }

 private:
  void pass(podium_metric_kind kind, const char* name, const char* help, double value,
            const char* labels) const {
    podium_metric metric{
        sizeof(podium_metric), static_cast<std::uint32_t>(kind), name, help, labels, value};
    each_(ctx_, &metric);
  }

  void* ctx_;
  void (*each_)(void*, const podium_metric*);
};

/// podium.metrics/1
class Metrics {
 public:
  virtual ~Metrics() = default;
  /// Any thread; must not block.
  virtual void collect(const MetricSink& metrics) = 0;
};

/// podium.local-file/1, of storages whose blobs are files of this machine.
class LocalFile {
 public:
  virtual ~LocalFile() = default;
  /// Any thread. A read-only, close-on-exec descriptor of the blob; see podium_local_file for its
  /// mode. Throws Error(PODIUM_NOT_FOUND).
  virtual Descriptor open_local(std::string_view key) = 0;
};

/// podium.adopt-file/1, of storages whose blobs are files of this machine.
class AdoptFile {
 public:
  virtual ~AdoptFile() = default;
  /// Any thread. Keeps the content of the caller's file without a name under the key, as put does;
  /// see podium_adopt_file. False: it cannot be taken over, and nothing happened.
  virtual bool adopt(std::string_view key, int descriptor, std::uint64_t length,
                     std::string_view sha256) = 0;
};

/// One content on its way part by part; taken back by the destructor unless it was finished. Any
/// thread; see podium_put_parts.
class Parts {
 public:
  virtual ~Parts() = default;
  virtual void put(std::uint32_t number, int descriptor, std::uint64_t offset,
                   std::uint64_t length) = 0;
  virtual void finish(std::uint64_t length) = 0;
};

/// podium.put-parts/1, of storages that can take content while it still arrives.
class PutParts {
 public:
  virtual ~PutParts() = default;
  /// Any thread. Bytes of each part but the last; constant.
  virtual std::uint64_t part_size() const noexcept = 0;
  /// Any thread.
  virtual std::unique_ptr<Parts> begin_parts(std::string_view key) = 0;
};

/// podium.maintenance/1, of storages.
class Maintenance {
 public:
  virtual ~Maintenance() = default;
  /// Any thread. Removes what a crash left behind and no key refers to.
  virtual void sweep() = 0;
};

/// podium.run-input/1, of runtimes: what a program hears while it runs; see podium_run_input.
class RunInput {
 public:
  /// A runtime that calls Callbacks::input_room when it takes again what it has refused says true
  /// in its own class; the host tries others from time to time.
  static constexpr bool kTellsRoom = false;

  virtual ~RunInput() = default;
  /// Any thread; never waits. Throws Error(PODIUM_RESOURCE_EXHAUSTED): nothing was taken, later.
  virtual void write_input(podium_lease* lease, std::string_view data) = 0;
  /// Any thread. The end of the standard input, behind what was written.
  virtual void close_input(podium_lease* lease) = 0;
  /// Any thread. Throws Error(PODIUM_UNAVAILABLE): the program has not begun.
  virtual void signal(podium_lease* lease, int number) = 0;
};

/// podium.output-flow/1, of runtimes: see podium_output_flow.
class OutputFlow {
 public:
  virtual ~OutputFlow() = default;
  /// Any thread, also from within a call to output; never waits.
  virtual void hold_output(podium_lease* lease, bool held) noexcept = 0;
};

namespace detail {

inline bool append(const podium_buffer* out, std::string_view text) noexcept {
  return out != nullptr && out->append(out->ctx, bytes(text));
}

/// The key of a blob.
inline std::string_view checked_key(podium_bytes key) {
  if (key.size == 0 || key.size > 200) {
    throw Error(PODIUM_INVALID_ARGUMENT,
                "a key of " + std::to_string(key.size) + " bytes, expected 1 to 200");
  }
  return view(key);
}

/// The thunks of T's extensions; `self` is a T everywhere.
template <class T>
struct ExtensionThunks {
  static void check_health(void* self, std::int64_t deadline_ms, std::uint32_t* state,
                           const podium_buffer* out) noexcept {
    *state = PODIUM_UNHEALTHY;
    podium_error err{};
    err.size = sizeof err;
    podium_code code = guard(&err, [&] {
      HealthReport report = static_cast<T*>(self)->health(std::chrono::milliseconds(deadline_ms));
      if (!report.detail.empty()) append(out, report.detail);
      *state = report.state;
    });
    if (code == PODIUM_OK) return;
    // A failure before anything was appended, since health() appends nothing itself.
    guard(nullptr, [&] { append(out, "{\"error\":" + json_quote(err.message) + "}"); });
  }

  static void collect(void* self, void* ctx, void (*each)(void*, const podium_metric*)) noexcept {
    guard(nullptr, [&] { static_cast<T*>(self)->collect(MetricSink(ctx, each)); });
  }

  static podium_code open(void* self, podium_bytes key, int* descriptor,
                          podium_error* err) noexcept {
    return guard(err,
                 [&] { *descriptor = static_cast<T*>(self)->open_local(view(key)).release(); });
  }

  static podium_code adopt(void* self, podium_bytes key, int descriptor, std::uint64_t length,
                           podium_bytes sha256, bool* adopted, podium_error* err) noexcept {
    return guard(err, [&] {
      *adopted = static_cast<T*>(self)->adopt(view(key), descriptor, length, view(sha256));
    });
  }

  static std::uint64_t part_size(void* self) noexcept { return static_cast<T*>(self)->part_size(); }

  static podium_code begin_parts(void* self, podium_bytes key, podium_parts** parts,
                                 podium_error* err) noexcept {
    return guard(err, [&] {
      *parts = reinterpret_cast<podium_parts*>(
          static_cast<T*>(self)->begin_parts(checked_key(key)).release());
    });
  }

  static podium_code put_part(void*, podium_parts* parts, std::uint32_t number, int descriptor,
                              std::uint64_t offset, std::uint64_t length,
                              podium_error* err) noexcept {
    return guard(err,
                 [&] { reinterpret_cast<Parts*>(parts)->put(number, descriptor, offset, length); });
  }

  static podium_code finish_parts(void*, podium_parts* parts, std::uint64_t length,
                                  podium_error* err) noexcept {
    return guard(err, [&] { reinterpret_cast<Parts*>(parts)->finish(length); });
  }

  static void end_parts(void*, podium_parts* parts) noexcept {
    delete reinterpret_cast<Parts*>(parts);
  }

  static podium_code sweep(void* self, podium_error* err) noexcept {
    return guard(err, [&] { static_cast<T*>(self)->sweep(); });
  }

  static podium_code write_input(void* self, podium_lease* lease, podium_bytes data,
                                 podium_error* err) noexcept {
    return guard(err, [&] { static_cast<T*>(self)->write_input(lease, view(data)); });
  }
  static void close_input(void* self, podium_lease* lease) noexcept {
    guard(nullptr, [&] { static_cast<T*>(self)->close_input(lease); });
  }
  static podium_code signal(void* self, podium_lease* lease, std::int32_t number,
                            podium_error* err) noexcept {
    return guard(err, [&] { static_cast<T*>(self)->signal(lease, number); });
  }
  static void hold_output(void* self, podium_lease* lease, bool held) noexcept {
    static_cast<T*>(self)->hold_output(lease, held);
  }

  static const void* get(void* self, const char* id) noexcept {
    auto is = [id](const char* other) { return std::strcmp(id, other) == 0; };
    if constexpr (std::derived_from<T, Health>) {
      static constexpr podium_health kHealth{sizeof(podium_health), &check_health};
      if (is(PODIUM_EXT_HEALTH)) return &kHealth;
    }
    if constexpr (std::derived_from<T, Metrics>) {
      static constexpr podium_metrics kMetrics{sizeof(podium_metrics), &collect};
      if (is(PODIUM_EXT_METRICS)) return &kMetrics;
    }
    if constexpr (std::derived_from<T, LocalFile>) {
      static constexpr podium_local_file kLocalFile{sizeof(podium_local_file), &open};
      if (is(PODIUM_EXT_LOCAL_FILE)) return &kLocalFile;
    }
    if constexpr (std::derived_from<T, AdoptFile>) {
      static constexpr podium_adopt_file kAdoptFile{sizeof(podium_adopt_file), &adopt};
      if (is(PODIUM_EXT_ADOPT_FILE)) return &kAdoptFile;
    }
    if constexpr (std::derived_from<T, PutParts>) {
      static constexpr podium_put_parts kPutParts{sizeof(podium_put_parts),
                                                  0,
                                                  &part_size,
                                                  &begin_parts,
                                                  &put_part,
                                                  &finish_parts,
                                                  &end_parts};
      if (is(PODIUM_EXT_PUT_PARTS)) return &kPutParts;
    }
    if constexpr (std::derived_from<T, Maintenance>) {
      static constexpr podium_maintenance kMaintenance{sizeof(podium_maintenance), &sweep};
      if (is(PODIUM_EXT_MAINTENANCE)) return &kMaintenance;
    }
    if constexpr (std::derived_from<T, RunInput>) {
      static constexpr podium_run_input kRunInput{sizeof(podium_run_input),
                                                  &write_input,
                                                  &close_input,
                                                  &signal,
                                                  T::kTellsRoom ? 1u : 0u,
                                                  0};
      if (is(PODIUM_EXT_RUN_INPUT)) return &kRunInput;
    }
    if constexpr (std::derived_from<T, OutputFlow>) {
      static constexpr podium_output_flow kOutputFlow{sizeof(podium_output_flow), &hold_output};
      if (is(PODIUM_EXT_OUTPUT_FLOW)) return &kOutputFlow;
    }
    return static_cast<T*>(self)->extension(id);
  }
};

}  // namespace detail
}  // namespace podium::sdk
