#include "http/event_stream.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
// Events that are there already go out together, up to this.
constexpr std::size_t kMaxPending = 64 * 1024;

}  // namespace

Answer stream_head(const Response& response) {
  Answer head;
  head.media_type = response.media_type();
  head.headers.add("Cache-Control", "no-store, no-transform");
  head.headers.add("X-Accel-Buffering", "no");
  return head;
}

Task<> feed(Exchange& exchange, QueueReader& reader, ResponseStream& stream, milliseconds interval,
            const bool& left, const std::function<bool()>& idle) {
  EventQueue& queue = reader.queue();
  Clock::time_point next = Clock::now() + interval;
  std::string out;
  RunEvent event;
  while (!left && reader.reads()) {
    out.clear();
    while (out.size() < kMaxPending && queue.take(event)) stream.event(event, out);
    if (!out.empty()) {
      co_await exchange.send_piece(out);
      next = Clock::now() + interval;
    } else if (queue.over()) {
      co_return;
    } else if (Clock::now() >= next && idle && idle()) {
      next = Clock::now() + interval;
    } else if (Clock::now() >= next) {
      stream.tick(out);
      ++exchange.access().beats;
      co_await exchange.send_piece(out);
      next = std::max(next + interval, Clock::now());
    } else {
      co_await queue.wait(next);
    }
  }
}

}  // namespace podium
