#include "daemon/control.hpp"

#include "base/failure.hpp"

namespace podium {
namespace {

constexpr int kOk = 200, kUnprocessable = 422, kTimedOut = 504;

int status_of(Metrics::Reload result) {
  switch (result) {
    case Metrics::Reload::kOk:
      return kOk;
    case Metrics::Reload::kRefused:
      return kUnprocessable;
    case Metrics::Reload::kAbandoned:
      return kTimedOut;
  }
  return kTimedOut;
}

std::shared_ptr<const Generation> current(const Snapshot<Generation>& generation) {
  std::shared_ptr<const Generation> now = generation.get();
  if (now == nullptr) throw Failure(Code::kUnavailable, "the daemon is ending");
  return now;
}

}  // namespace

void AdminControl::reload(std::function<void(Outcome)> done) {
  reloader_.request([done = std::move(done)](const ReloadReport& report) {
    Json body = to_json(report);
    const int status = status_of(report.result);
    if (status != kOk) body.set("error", report.reason);  // as in every other refusal
    done({status, std::move(body)});
  });
}

Json AdminControl::configuration() {
  const auto generation = current(generation_);
  const Config& config = generation->config();
  Json variables = Json::array();
  for (const Override& each : config.overrides) {
    variables.push(Json::object({{"variable", each.variable}, {"key", each.key}}));
  }
  return Json::object({{"file", source_.file.native()},
                       {"generation", generation->number()},
                       {"config", config.document ? *config.document : Json()},
                       {"environment", std::move(variables)}});
}

Json AdminControl::difference(const std::string* text) {
  const auto generation = current(generation_);
  const Config next = text != nullptr ? source_.parse(*text) : source_.load();
  Json list = Json::array();
  bool restart = false;
  for (const ConfigChange& change :
       pending_changes(reloader_.started(), generation->config(), next)) {
    restart = restart || change.needs_restart;
    list.push(to_json(change));
  }
  return Json::object({{"file", source_.file.native()},
                       {"generation", generation->number()},
                       {"needs_restart", restart},
                       {"changes", std::move(list)}});
}

}  // namespace podium
