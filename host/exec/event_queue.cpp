#include "exec/event_queue.hpp"

#include <utility>

#include "base/json.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

/// What an event costs beside its text.
constexpr Bytes kOverhead = 64;
/// Output is joined up to this: a reader who is behind gets few large events, one who is not gets
/// each as it comes.
constexpr std::size_t kJoined = 16u << 10;
/// What may still come after the program was told to wait: one read of its pipe and what is in it.
constexpr Bytes kUnderWay = 192u << 10;

}  // namespace

EventQueue::EventQueue(asio::io_context& io, const QueueBounds& bounds)
    : io_(io), bounds_(bounds), wake_(io) {}

// ---------------------------------------------------------------- the producer

void EventQueue::output(unsigned stream, std::string_view chunk) {
  const std::lock_guard lock(mutex_);
  if (closed_ || stream < 1 || stream > 2) return;
  std::string& cut = flow().cut[stream - 1];
  std::string text = std::exchange(cut, {});
  text.append(chunk);
  const std::size_t whole = utf8_floor(text, text.size());
  cut = text.substr(whole);
  text.resize(whole);
  if (!is_utf8(text)) text = to_utf8(text);
  append(stream, text);
}

void EventQueue::end_output() {
  const std::lock_guard lock(mutex_);
  if (!flow_) return;
  for (const unsigned stream : {1u, 2u}) {
    const std::string cut = std::exchange(flow_->cut[stream - 1], {});
    if (!cut.empty() && !closed_) append(stream, to_utf8(cut));
  }
}

EventQueue::Flow& EventQueue::flow() {
  if (!flow_) flow_ = std::make_unique<Flow>();
  return *flow_;
}

void EventQueue::append(unsigned stream, std::string_view text) {
  if (text.empty()) return;
  Flow& flow = this->flow();
  if (flow.dropping || waiting_bytes_ + text.size() > bounds_.waiting + kUnderWay) {
    return drop(stream, text.size());
  }
  const bool join = !waiting_.empty() && waiting_.back().stream == stream &&
                    waiting_.back().dropped == 0 && waiting_.back().text.size() < kJoined;
  if (join) {
    waiting_.back().text.append(text);
    waiting_bytes_ += text.size();
  } else {
    push({stream == 1 ? "stdout" : "stderr", std::string(text), stream, 0});
  }
  if (waiting_bytes_ >= bounds_.waiting && !flow.held) hold_up(flow);
}

/// A marker stands where output is missing.
void EventQueue::drop(unsigned stream, Bytes bytes) {
  if (!waiting_.empty() && waiting_.back().dropped > 0 && waiting_.back().stream == stream) {
    waiting_.back().dropped += bytes;
    return;
  }
  // Two streams that take turns would fill the queue with markers: each has one at its end.
  if (waiting_.size() >= 2 && waiting_.back().dropped > 0) {
    Waiting& before = *std::prev(waiting_.end(), 2);
    if (before.dropped > 0 && before.stream == stream) {
      before.dropped += bytes;
      return;
    }
  }
  push({"dropped", {}, stream, bytes});
}

void EventQueue::hold_up(Flow& flow) {
  if (!flow.hold) {
    flow.dropping = true;
    return;
  }
  flow.held = true;
  ++flow.holds;
  flow.hold(true);
  asio::post(io_,
             [self = shared_from_this(), number = flow.holds] { self->begin_hold_clock(number); });
}

void EventQueue::let_go(Flow& flow) {
  flow.held = false;
  if (flow.hold) flow.hold(false);
}

void EventQueue::begin_hold_clock(std::uint32_t number) {
  Flow& flow = *flow_;
  if (!flow.clock) flow.clock = std::make_unique<Timer>(io_);
  flow.clock->expires_after(bounds_.hold);
  flow.clock->async_wait([weak = weak_from_this(), number](const boost::system::error_code& ec) {
    const std::shared_ptr<EventQueue> self = weak.lock();
    if (ec || !self) return;
    const std::lock_guard lock(self->mutex_);
    Flow& held = *self->flow_;
    if (!held.held || held.holds != number) return;
    held.dropping = true;
    self->let_go(held);
  });
}

void EventQueue::add(std::string_view name, std::string json) {
  const std::lock_guard lock(mutex_);
  if (!closed_) push({name, std::move(json), 0, 0});
}

void EventQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ring();
}

void EventQueue::set_hold(std::function<void(bool)> hold) {
  const std::lock_guard lock(mutex_);
  if (!hold && !flow_) return;
  flow().hold = std::move(hold);
  flow_->held = false;
}

void EventQueue::push(Waiting item) {
  waiting_bytes_ += item.text.size() + kOverhead;
  waiting_.push_back(std::move(item));
  ring();
}

/// Wakes the reader, once for however much there is.
void EventQueue::ring() {
  if (!std::exchange(listening_, false)) return;
  asio::post(io_, [self = shared_from_this()] { self->wake_.cancel(); });
}

// ---------------------------------------------------------------- the reader

std::uint32_t EventQueue::attach(std::uint64_t after) {
  reader_ = ++readers_;
  next_ = std::min(after, last_) + 1;
  wake();
  return reader_;
}

void EventQueue::detach(std::uint32_t reader) {
  if (reader_ == reader) reader_ = 0;
  wake();
}

void EventQueue::wake() { wake_.cancel(); }

Task<> EventQueue::wait(Clock::time_point when) {
  {
    const std::lock_guard lock(mutex_);
    if (next_ <= last_ || !waiting_.empty() || closed_) co_return;
    listening_ = true;
  }
  wake_.expires_at(when);
  boost::system::error_code ignored;
  co_await wake_.async_wait(asio::redirect_error(use_awaitable, ignored));
  const std::lock_guard lock(mutex_);
  listening_ = false;
}

bool EventQueue::take(RunEvent& event) {
  if (replay(event)) return true;
  Waiting item;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    item = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= item.text.size() + kOverhead;
    if (flow_ && waiting_bytes_ <= bounds_.waiting / 2) {
      flow_->dropping = false;
      if (flow_->held) let_go(*flow_);
    }
  }
  event = event_of(std::move(item));
  event.id = ++last_;
  next_ = last_ + 1;
  remember(event);
  return true;
}

RunEvent EventQueue::event_of(Waiting item) {
  RunEvent event;
  event.name = item.name;
  if (item.dropped > 0) {
    event.json = json_dump(Json::object(
        {{"stream", item.stream == 1 ? "stdout" : "stderr"}, {"bytes", item.dropped}}));
  } else if (item.stream != 0) {
    event.json = "{\"text\":" + json_quote(item.text) + "}";
  } else {
    event.json = std::move(item.text);
  }
  return event;
}

void EventQueue::remember(RunEvent& event) {
  if (bounds_.replay == 0) return;
  if (!taken_) taken_ = std::make_unique<std::deque<RunEvent>>();
  taken_->push_back(event);
  taken_bytes_ += event.json.size() + kOverhead;
  // The last one always stays: it may be the end, whose answer may just have been lost.
  while (taken_bytes_ > bounds_.replay && taken_->size() > 1) {
    taken_bytes_ -= taken_->front().json.size() + kOverhead;
    taken_->pop_front();
  }
}

/// An event that was taken before.
bool EventQueue::replay(RunEvent& event) {
  if (next_ > last_) return false;
  const std::uint64_t first = taken_ ? taken_->front().id : last_ + 1;
  if (next_ < first) {
    event.id = first - 1;
    event.name = "dropped";
    event.json = json_dump(Json::object({{"stream", "all"}, {"events", first - next_}}));
    next_ = first;
    return true;
  }
  event = taken_->at(next_ - first);
  ++next_;
  return true;
}

bool EventQueue::over() const {
  const std::lock_guard lock(mutex_);
  return closed_ && waiting_.empty() && next_ > last_;
}

Bytes EventQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_ + taken_bytes_ + sizeof *this;
}

}  // namespace podium
