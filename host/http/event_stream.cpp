#include "http/event_stream.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
// Events that are there already go out together, up to this.
constexpr std::size_t kMaxPending = 64 * 1024;

// Coroutines of their own: what they write would be kept in the frame of a stream that waits.

/// Sends the events that are there. False: there are none.
Task<bool> send_events(Exchange& exchange, EventQueue& queue, ResponseStream& stream) {
  std::string out;
  RunEvent event;
  while (out.size() < kMaxPending && queue.take(event)) stream.event(event, out);
  if (out.empty()) co_return false;
  co_await exchange.send_piece(out);
  co_return true;
}

Task<> send_tick(Exchange& exchange, ResponseStream& stream) {
  std::string out;
  stream.tick(out);
  ++exchange.access().beats;
  co_await exchange.send_piece(out);
}

}  // namespace

Answer stream_head(const Response& response) {
  Answer head;
  head.media_type = response.media_type();
  head.headers.add("Cache-Control", "no-store, no-transform");
  head.headers.add("X-Accel-Buffering", "no");
  return head;
}

Task<std::unique_ptr<ResponseStream>> begin_stream(Exchange& exchange, Response& response) {
  Access& access = exchange.access();
  access.path = Access::Path::kStream;
  access.interval_ms = static_cast<std::uint32_t>(response.interval().count());
  std::string first;
  std::unique_ptr<ResponseStream> stream = response.begin(first);
  if (!first.empty()) ++access.beats;
  Answer head = stream_head(response);
  co_await exchange.begin_stream(std::move(head), first);
  co_return stream;
}

Task<> feed(Exchange& exchange, QueueReader& reader, ResponseStream& stream, milliseconds interval,
            const bool& left, const std::function<bool()>& idle) {
  EventQueue& queue = reader.queue();
  Clock::time_point next = Clock::now() + interval;
  while (!left && reader.reads()) {
    const bool sent = co_await send_events(exchange, queue, stream);
    if (sent) {
      next = Clock::now() + interval;
    } else if (queue.over()) {
      co_return;
    } else if (Clock::now() >= next && idle && idle()) {
      next = Clock::now() + interval;
    } else if (Clock::now() >= next) {
      co_await send_tick(exchange, stream);
      next = std::max(next + interval, Clock::now());
    } else {
      co_await queue.wait(next);
    }
  }
}

}  // namespace podium
