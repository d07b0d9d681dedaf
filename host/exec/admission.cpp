#include "exec/admission.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/failure.hpp"
#include "base/units.hpp"

namespace podium {
namespace {

// Nearly every request. The connections bound how many of them are read, the queue how many wait.
constexpr Bytes kSmallRequest = 16u << 10;

std::string capacity(const AdmissionConfig& config) {
  return "capacity is " + std::to_string(config.runs) + " runs and " +
         std::to_string(config.queue) + " waiting";
}

}  // namespace

Permit::Permit(Permit&&) noexcept = default;
Permit& Permit::operator=(Permit&&) noexcept = default;
Permit::~Permit() = default;
Permit::Permit(std::shared_ptr<Place> place) : place_(std::move(place)) {}

void Admission::count(const AdmissionConfig& config, ByteShare& share, Bytes bytes) {
  if (!share) share = ByteShare(requests_);
  const Bytes most = bytes <= kSmallRequest ? ~Bytes{0} : config.requests;
  if (share.resize(bytes, most)) return;
  const auto after = retry_after();
  throw Failure(Code::kResourceExhausted,
                "this host is full: the requests that it has in hand have " +
                    format_size(requests_->used() - share.bytes()) + ", this one " +
                    format_size(bytes) + ", and it takes " + format_size(config.requests) +
                    " together; try again in " + std::to_string(after.count()) + " s")
      .with_retry_after(after);
}

Permit Admission::admit(const AdmissionConfig& config, std::uint64_t generation,
                        ByteShare counted) {
  if (stopped_) {
    throw Failure(Code::kUnavailable, "this host is shutting down and takes no new runs")
        .with_retry_after(std::chrono::seconds(5));
  }
  if (generation >= generation_) {
    generation_ = generation;
    config_ = config;
    promote();
  }
  const bool at_once = running_ < config_.runs && waiting_.empty();
  if (!at_once && waiting_.size() >= config_.queue) {
    const auto after = retry_after();
    throw Failure(Code::kResourceExhausted, "this host is full: its " + capacity(config_) +
                                                "; try again in " + std::to_string(after.count()) +
                                                " s")
        .with_retry_after(after);
  }

  auto place = std::make_shared<Permit::Place>(shared_from_this(), io_);
  place->counted = std::move(counted);
  place->position = waiting_.insert(waiting_.end(), place.get());
  place->number = static_cast<unsigned>(waiting_.size());
  place->deadline = Clock::now() + config_.queue_wait;
  place->wake.expires_at(place->deadline);
  if (at_once) promote();
  return Permit(std::move(place));
}

Task<bool> Admission::turn(const Permit& permit, Cancellation& cancellation) {
  const std::shared_ptr<Permit::Place> place = permit.place_;
  Cancellation::Stage stage(&cancellation,
                            [&wake = place->wake] { wake.expires_at(Timer::time_point::min()); });
  boost::system::error_code ignored;
  while (!place->running && !cancellation.requested()) {
    if (Clock::now() >= place->deadline) {
      throw Failure(Code::kDeadlineExceeded, "no place became free within " +
                                                 format_duration(config_.queue_wait) +
                                                 ": this host's " + capacity(config_))
          .with_retry_after(retry_after());
    }
    co_await place->wake.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  co_return !cancellation.requested();
}

Task<> Admission::idle() {
  while (running_ + resting_ > 0 || !waiting_.empty()) {
    auto event = std::make_shared<Event>(io_);
    idle_waiters_.push_back(event);
    co_await event->wait();
  }
}

void Admission::begin(Permit::Place& place) {
  take_out(place);
  ++running_;
  place.running = true;
  place.began = Clock::now();
  place.wake.expires_at(Timer::time_point::min());
}

void Admission::promote() {
  while (running_ < config_.runs && !waiting_.empty()) begin(*waiting_.front());
}

void Admission::rest(Permit::Place& place) {
  if (!place.running || std::exchange(place.resting, true)) return;
  place.rested = Clock::now();
  Admission& all = *place.admission;
  --all.running_;
  ++all.resting_;
  all.promote();
}

void Admission::resume(Permit::Place& place) {
  if (!std::exchange(place.resting, false)) return;
  place.began += Clock::now() - place.rested;  // it has not kept the place meanwhile
  ++place.admission->running_;
  --place.admission->resting_;
}

void Admission::left(Permit::Place& place) {
  resume(place);
  if (place.running) {
    --running_;
    const std::chrono::duration<double> held = Clock::now() - place.began;
    average_seconds_ += (held.count() - average_seconds_) / 8;
    promote();
  } else if (place.position != waiting_.end()) {
    take_out(place);
  }
  if (running_ + resting_ > 0 || !waiting_.empty()) return;
  for (const auto& event : std::exchange(idle_waiters_, {})) event->set();
}

void Admission::take_out(Permit::Place& place) {
  const auto behind = waiting_.erase(std::exchange(place.position, waiting_.end()));
  if (behind != waiting_.end()) counted_ = false;
}

unsigned Admission::position(const Permit::Place& place) {
  if (place.position == waiting_.end()) return 0;
  if (!std::exchange(counted_, true)) {
    unsigned number = 0;
    for (Permit::Place* each : waiting_) each->number = ++number;
  }
  return place.number;
}

std::chrono::seconds Admission::retry_after() const noexcept {
  const double places = std::max(1u, config_.runs);
  const double seconds = average_seconds_ * static_cast<double>(waiting_.size() + 1) / places;
  return std::chrono::seconds(static_cast<long>(std::clamp(std::ceil(seconds), 1.0, 600.0)));
}

}  // namespace podium
