#pragma once
#include <functional>

#include "exec/event_queue.hpp"
#include "http/exchange.hpp"

namespace podium {

/// One reader of a queue, from its attach to its detach.
class QueueReader {
 public:
  QueueReader(EventQueue& queue, std::uint64_t after)
      : queue_(queue), number_(queue.attach(after)) {}
  ~QueueReader() { queue_.detach(number_); }
  QueueReader(const QueueReader&) = delete;
  QueueReader& operator=(const QueueReader&) = delete;

  /// Nobody has taken its place.
  bool reads() const noexcept { return queue_.reads(number_); }
  EventQueue& queue() const noexcept { return queue_; }

 private:
  EventQueue& queue_;
  const std::uint32_t number_;
};

/// The head of a streamed answer.
Answer stream_head(const Response& response);

/// Begins an answer that is streamed by this strategy. What its head was made of is gone when it
/// returns.
Task<std::unique_ptr<ResponseStream>> begin_stream(Exchange& exchange, Response& response);

/// Feeds a stream that has begun from the queue: what happens as it happens, a tick when nothing
/// did for an interval. Returns when the run is over and all has been sent, when another reader has
/// come, or when `left` has become true. Before a tick `idle` is called; true: it has added an
/// event instead. I/O thread.
Task<> feed(Exchange& exchange, QueueReader& reader, ResponseStream& stream, milliseconds interval,
            const bool& left, const std::function<bool()>& idle);

}  // namespace podium
