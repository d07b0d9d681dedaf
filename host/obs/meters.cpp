#include "obs/meters.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace podium {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

void add(prometheus::Counter* counter, double value) {
  if (counter != nullptr) counter->Increment(value);
}

void observe(prometheus::Histogram* histogram, std::chrono::nanoseconds took) {
  if (histogram != nullptr) histogram->Observe(seconds(took));
}

}  // namespace

const char* to_string(StorageCall call) noexcept {
  switch (call) {
    case StorageCall::kPut: return "put";
    case StorageCall::kGet: return "get";
    case StorageCall::kHead: return "head";
    case StorageCall::kList: return "list";
    case StorageCall::kRemove: return "remove";
    case StorageCall::kOpen: return "open";
    case StorageCall::kSweep: return "sweep";
  }
  return "unknown";
}

void StorageMeter::called(StorageCall call, std::chrono::nanoseconds took) const {
  observe(seconds_[static_cast<std::size_t>(call)], took);
}

void StorageMeter::failed(StorageCall call) const {
  add(errors_[static_cast<std::size_t>(call)], 1);
}

void StorageMeter::took_in(std::uint64_t bytes) const { add(in_, static_cast<double>(bytes)); }
void StorageMeter::gave_out(std::uint64_t bytes) const { add(out_, static_cast<double>(bytes)); }

void DatabaseMeter::wrote(std::size_t callers, std::chrono::nanoseconds took) const {
  add(writes_, static_cast<double>(callers));
  observe(write_seconds_, took);
}

void DatabaseMeter::read(std::chrono::nanoseconds took) const { observe(read_seconds_, took); }
void DatabaseMeter::write_failed() const { add(write_errors_, 1); }
void DatabaseMeter::read_failed() const { add(read_errors_, 1); }

void DatabaseMeter::set_waiting(std::size_t callers) const {
  if (waiting_ != nullptr) waiting_->Set(static_cast<double>(callers));
}

}  // namespace podium
