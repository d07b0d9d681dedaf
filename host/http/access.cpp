#include "http/access.hpp"

#include <algorithm>

namespace podium {
namespace {

double milliseconds_between(Access::Clock::time_point from, Access::Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// Rounded to microseconds, as lines are read by people too.
Json ms(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 1000)) / 1000;
}

Json us_as_ms(std::int64_t us) { return static_cast<double>(us) / 1000; }

const char* to_string(Access::Path path) noexcept {
  switch (path) {
    case Access::Path::kFast:
      return "fast";
    case Access::Path::kStream:
      return "stream";
    case Access::Path::kNone:
      return "none";
  }
  return "none";
}

void add_run(Json::Object& fields, const Access& access) {
  const Access::Run& run = *access.run;
  fields.emplace_back("run_id", run.id);
  fields.emplace_back("session_id", run.session);
  fields.emplace_back("language", run.language);
  fields.emplace_back("run_status", run.status);
  fields.emplace_back("warm", run.warm);
  fields.emplace_back("queue_ms", us_as_ms(run.times.queue));
  fields.emplace_back("staging_ms", us_as_ms(run.times.staging));
  fields.emplace_back("start_ms", us_as_ms(run.times.start));
  fields.emplace_back("run_ms", us_as_ms(run.times.run));
  fields.emplace_back("collect_ms", us_as_ms(run.times.collect));
  fields.emplace_back("completed_ms", ms(milliseconds_between(access.began, run.ended)));
}

}  // namespace

Json::Object access_fields(const Access& access, Access::Clock::time_point now) {
  Json::Object fields;
  fields.emplace_back("request_id", access.request_id);
  if (access.trace) {
    fields.emplace_back("trace_id", access.trace->trace_id);
    fields.emplace_back("span_id", access.trace->span_id);
    fields.emplace_back("parent_span_id", access.trace->parent_id);
  }
  fields.emplace_back("connection", static_cast<long long>(access.connection));
  fields.emplace_back("peer", access.peer);
  fields.emplace_back("ordinal", access.ordinal);
  fields.emplace_back("method", access.method);
  fields.emplace_back("path", access.target);
  fields.emplace_back("route", access.route);
  fields.emplace_back("status", access.status);
  if (!access.principal.empty()) fields.emplace_back("principal", access.principal);
  if (access.path != Access::Path::kNone) {
    fields.emplace_back("answer", to_string(access.path));
    fields.emplace_back("beats", access.beats);
    fields.emplace_back("interval_ms", access.interval_ms);
  }
  fields.emplace_back(
      "first_byte_ms",
      access.first_byte ? ms(milliseconds_between(access.began, *access.first_byte)) : Json());
  fields.emplace_back("total_ms", ms(milliseconds_between(access.began, now)));
  fields.emplace_back("bytes_in", static_cast<long long>(access.bytes_in));
  fields.emplace_back("bytes_out", static_cast<long long>(access.bytes_out));
  if (access.run) add_run(fields, access);
  fields.emplace_back("client_left", access.left.has_value());
  if (access.left) {
    fields.emplace_back("client_left_ms", ms(milliseconds_between(access.began, *access.left)));
    fields.emplace_back("client_left_during", access.left_during);
  }
  fields.emplace_back("ended_with_error", access.ended_with_error);
  if (!access.error.empty()) fields.emplace_back("error", access.error);
  return fields;
}

void count_access(Metrics& metrics, const Access& access, Access::Clock::time_point now) {
  metrics.request_finished(access.route, access.status,
                           milliseconds_between(access.began, now) / 1e3, access.left.has_value());
  if (access.beats > 0) metrics.heartbeats_sent(access.beats);
  if (!access.run) return;
  const StageTimes& times = access.run->times;
  metrics.run_finished(
      access.run->language, access.run->status, access.run->warm,
      static_cast<double>(times.queue) / 1e6, static_cast<double>(times.staging) / 1e6,
      static_cast<double>(times.run) / 1e6, static_cast<double>(times.collect) / 1e6);
}

}  // namespace podium
