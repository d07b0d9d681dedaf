#include "plugin/plugin_instance.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "base/utf8.hpp"

namespace podium {
namespace {

constexpr std::size_t kLongestDetail = 64 * 1024;

/// A podium_buffer that takes no more than kLongestDetail bytes.
bool append_detail(void* ctx, podium_bytes chunk) noexcept {
  auto& text = *static_cast<std::string*>(ctx);
  if (text.size() + chunk.size > kLongestDetail) return false;
  try {
    text += to_view(chunk);
  } catch (...) {
    return false;
  }
  return true;
}

Health unhealthy(const std::string& reason) {
  return {HealthState::kUnhealthy, Json::object({{"error", reason}})};
}

/// [a-zA-Z_:][a-zA-Z0-9_:]*, as Prometheus wants.
bool is_metric_name(std::string_view name) {
  auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

bool is_one_line(std::string_view text) {
  return is_utf8(text) && text.find_first_of("\r\n") == std::string_view::npos;
}

/// The callback of one collect.
struct Scrape {
  const std::string& who;
  const std::string& instance;
  const std::function<void(const Metrics::Sample&)>& each;
  Log& log;
  std::exception_ptr error;

  void take(const podium_metric& metric) {
    std::string_view name = to_view(metric.name), labels = to_view(metric.labels),
                     help = to_view(metric.help);
    bool known = metric.kind == PODIUM_COUNTER || metric.kind == PODIUM_GAUGE;
    if (!known || !is_metric_name(name) || !is_one_line(help) || !is_one_line(labels)) {
      log.warning(who + " gave a metric that Prometheus could not read",
                  {{"metric", to_utf8(name)}});
      return;
    }
    std::string all = "plugin=\"" + instance + "\"";
    if (!labels.empty()) all.append(",").append(labels);
    each({std::string(name), std::string(help), std::move(all), metric.kind == PODIUM_COUNTER,
          metric.value});
  }
};

}  // namespace

const void* checked_extension(const std::string& who, const char* id, const void* extension,
                              std::uint32_t least_size) {
  if (extension == nullptr) return nullptr;
  std::uint32_t size = *static_cast<const std::uint32_t*>(extension);
  if (size < least_size) {
    throw Failure(Code::kInternal, who + ": its extension " + id + " says that it has " +
                                       std::to_string(size) + " bytes, expected at least " +
                                       std::to_string(least_size));
  }
  for (std::uint32_t at = sizeof(void*); at < least_size; at += sizeof(void*)) {
    void* function = nullptr;
    std::memcpy(&function, static_cast<const char*>(extension) + at, sizeof function);
    if (function != nullptr) continue;
    throw Failure(Code::kInternal, who + ": its extension " + id +
                                       " has NULL for its function number " +
                                       std::to_string(at / sizeof(void*)));
  }
  return extension;
}

Health Checkup::health(void* self, milliseconds deadline) const noexcept {
  if (health_ == nullptr) return {};
  std::string text;
  std::uint32_t state = PODIUM_UNHEALTHY;
  podium_buffer detail{sizeof(podium_buffer), &text, &append_detail};
  try {
    call_plugin(who_, "its health check",
                [&] { health_->check(self, deadline.count(), &state, &detail); });
    Health health;
    if (state == PODIUM_DEGRADED) health.state = HealthState::kDegraded;
    if (state >= PODIUM_UNHEALTHY) health.state = HealthState::kUnhealthy;
    if (!text.empty()) health.detail = json_parse(text);
    if (!health.detail.is_object()) return unhealthy("the detail of its health is no JSON object");
    return health;
  } catch (const std::exception& e) {
    return unhealthy(e.what());
  }
}

void Checkup::collect(void* self, const std::function<void(const Metrics::Sample&)>& each) const {
  if (metrics_ == nullptr) return;
  Scrape scrape{who_, name_, each, *log_, nullptr};
  call_plugin(who_, "its metrics", [&] {
    metrics_->collect(self, &scrape, [](void* ctx, const podium_metric* metric) noexcept {
      auto& to = *static_cast<Scrape*>(ctx);
      if (to.error || metric == nullptr) return;
      try {
        to.take(*metric);
      } catch (...) {
        to.error = std::current_exception();
      }
    });
  });
  if (scrape.error) std::rethrow_exception(scrape.error);
}

std::shared_ptr<Instance> make_instance(InstanceParts parts) {
  switch (parts.library->kind()) {
    case PluginKind::kRuntime:
      return make_runtime(std::move(parts));
    case PluginKind::kStorage:
      return make_storage(std::move(parts));
    case PluginKind::kResponse:
      return make_response(std::move(parts));
  }
  throw Failure(Code::kInternal, "a plugin of unknown kind");
}

void check_instance(InstanceParts parts) {
  switch (parts.library->kind()) {
    case PluginKind::kRuntime:
      return check_runtime(std::move(parts));
    case PluginKind::kStorage:
      return check_storage(std::move(parts));
    case PluginKind::kResponse:
      return check_response(std::move(parts));
  }
}

}  // namespace podium
