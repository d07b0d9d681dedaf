#pragma once
/// Kind response: turns a result in the making into bytes on the wire. Pure formatting.

#include <podium/sdk/extensions.hpp>
#include <podium/sdk/host.hpp>
#include <podium/sdk/options.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace podium::sdk {

/// A growing byte buffer of the host.
class Buffer {
 public:
  explicit Buffer(const podium_buffer* buffer) noexcept : buffer_(buffer) {}

  /// Throws Error(PODIUM_RESOURCE_EXHAUSTED) when the host is out of memory.
  void append(std::string_view text) const {
    if (!detail::append(buffer_, text)) {
      throw Error(PODIUM_RESOURCE_EXHAUSTED, "the host is out of memory for the answer");
    }
  }

 private:
  const podium_buffer* buffer_;
};

/// One thing that happened in a run; see podium_event.
struct Event {
  std::uint64_t id = 0;
  std::string_view name, json;
};

/// The result of a request; see podium_result.
struct Result {
  std::uint32_t status = 200;
  std::string_view json;
};

/// How a strategy wants to be driven; see podium_response_traits.
struct Traits {
  const char* media_type = "application/json";  ///< must live as long as the instance
  /// A result within it becomes an ordinary answer; nothing: never stream.
  std::optional<std::chrono::milliseconds> first_window;
  std::chrono::milliseconds interval{2000};
};

/// One streamed answer. Calls never overlap; the destructor ends it, finished or not.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  /// An interval has passed.
  virtual void tick(const Buffer& out) = 0;
  /// The program wrote; `stream` 1 out, 2 err.
  virtual void chunk(std::uint32_t /*stream*/, std::string_view /*data*/, const Buffer& /*out*/) {}
  /// Something happened; called of strategies that are EventStreams, instead of chunk and finish.
  virtual void event(const Event& /*event*/, const Buffer& /*out*/) {}
  virtual void finish(const Result& result, const Buffer& out) = 0;
};

/// podium.event-stream/1, of responses: its streams are told events as they happen. Their function
/// event() does the work.
class EventStreams {
 public:
  virtual ~EventStreams() = default;
};

/// A response strategy: never blocks, never waits, keeps no thread. Any thread.
class Response {
 public:
  virtual ~Response() = default;
  /// Constant.
  virtual Traits traits() const noexcept = 0;
  /// The answer becomes a stream: appends its first bytes.
  virtual std::unique_ptr<ResponseStream> begin(const Buffer& out) = 0;
  /// An ordinary answer.
  virtual void finish(const Result& result, const Buffer& out) = 0;

  /// An extension of the author's own by id; its functions get a pointer to the plugin class.
  virtual const void* extension(const char* /*id*/) noexcept { return nullptr; }
};

namespace detail {

template <class T>
struct ResponseThunks {
  static ResponseStream* stream_of(podium_response_stream* stream) noexcept {
    return reinterpret_cast<ResponseStream*>(stream);
  }

  static void get_traits(void* self, podium_response_traits* out) noexcept {
    Traits traits = static_cast<T*>(self)->traits();
    out->media_type = traits.media_type;
    out->first_window_ms = traits.first_window ? traits.first_window->count() : -1;
    out->interval_ms = traits.interval.count();
  }
  static podium_code begin(void* self, podium_response_stream** stream, const podium_buffer* out,
                           podium_error* err) noexcept {
    return guard(err, [&] {
      std::unique_ptr<ResponseStream> made = static_cast<T*>(self)->begin(Buffer(out));
      *stream = reinterpret_cast<podium_response_stream*>(made.release());
    });
  }
  static podium_code tick(void* /*self*/, podium_response_stream* stream, const podium_buffer* out,
                          podium_error* err) noexcept {
    return guard(err, [&] { stream_of(stream)->tick(Buffer(out)); });
  }
  static podium_code chunk(void* /*self*/, podium_response_stream* stream, std::uint32_t number,
                           podium_bytes data, const podium_buffer* out,
                           podium_error* err) noexcept {
    return guard(err, [&] { stream_of(stream)->chunk(number, view(data), Buffer(out)); });
  }
  static podium_code finish(void* self, podium_response_stream* stream, const podium_result* result,
                            const podium_buffer* out, podium_error* err) noexcept {
    return guard(err, [&] {
      Result value{result->status, view(result->json)};
      if (stream != nullptr) {
        stream_of(stream)->finish(value, Buffer(out));
      } else {
        static_cast<T*>(self)->finish(value, Buffer(out));
      }
    });
  }
  static podium_code event(void* /*self*/, podium_response_stream* stream,
                           const podium_event* event, const podium_buffer* out,
                           podium_error* err) noexcept {
    return guard(err, [&] {
      stream_of(stream)->event({event->id, view(event->name), view(event->json)}, Buffer(out));
    });
  }
  static const void* extension(void* self, const char* id) noexcept {
    if constexpr (std::derived_from<T, EventStreams>) {
      static constexpr podium_event_stream kEvents{sizeof(podium_event_stream), &event};
      if (std::strcmp(id, PODIUM_EXT_EVENT_STREAM) == 0) return &kEvents;
    }
    return ExtensionThunks<T>::get(self, id);
  }
  static void end_stream(void* /*self*/, podium_response_stream* stream) noexcept {
    delete stream_of(stream);
  }
  static void destroy(void* self) noexcept { delete static_cast<T*>(self); }

  static podium_response interface(T* self) {
    return {sizeof(podium_response),
            0,
            self,
            &get_traits,
            &begin,
            &tick,
            &chunk,
            &finish,
            &end_stream,
            &extension,
            &destroy};
  }
};

}  // namespace detail
}  // namespace podium::sdk
