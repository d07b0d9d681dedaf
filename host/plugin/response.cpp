#include <podium/abi.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "plugin/abi_sizes.hpp"
#include "plugin/plugin_instance.hpp"

namespace podium {
namespace {

using AbiResponse = AbiInstance<podium_response_factory, podium_response>;

const char* missing_function(const podium_response& response) {
  if (response.get_traits == nullptr) return "get_traits";
  if (response.begin == nullptr) return "begin";
  if (response.tick == nullptr) return "tick";
  if (response.chunk == nullptr) return "chunk";
  if (response.finish == nullptr) return "finish";
  if (response.end_stream == nullptr) return "end_stream";
  if (response.destroy == nullptr) return "destroy";
  return nullptr;
}

/// What a podium_buffer grows.
struct Growing {
  std::string& text;
  bool exhausted = false;

  static bool append(void* ctx, podium_bytes chunk) noexcept {
    auto& self = *static_cast<Growing*>(ctx);
    try {
      if (!self.exhausted) self.text.append(to_view(chunk));
    } catch (...) {
      self.exhausted = true;
    }
    return !self.exhausted;
  }
};

/// Runs `body(buffer, err)`, one call of the plugin; what it appended is taken back when it fails.
template <class F>
void format(const AbiResponse& abi, const char* what, std::string& out, F&& body) {
  std::size_t before = out.size();
  Growing growing{out};
  podium_buffer buffer{sizeof(podium_buffer), &growing, &Growing::append};
  try {
    call_plugin_for_code(abi.who(), what, [&](podium_error* err) { return body(&buffer, err); });
    if (growing.exhausted) {  // and the plugin has not noticed
      throw Failure(Code::kResourceExhausted, abi.who() + ": no memory for its answer");
    }
  } catch (const Failure&) {
    out.resize(before);
    throw;
  }
}

podium_result result_of(int status, std::string_view json) {
  return {sizeof(podium_result), static_cast<std::uint32_t>(status), to_bytes(json)};
}

class PluginStream final : public ResponseStream {
 public:
  PluginStream(const AbiResponse& abi, const podium_event_stream* events,
               podium_response_stream* stream)
      : abi_(abi), events_(events), stream_(stream) {}
  ~PluginStream() override {
    try {
      call_plugin(abi_.who(), "end_stream", [&] { abi_->end_stream(abi_.self(), stream_); });
    } catch (const Failure& f) {
      abi_.log().error(f.what());
    }
  }

  void event(const RunEvent& event, std::string& out) override {
    const podium_event told{sizeof(podium_event), 0, event.id, to_bytes(event.name),
                            to_bytes(event.json)};
    format(abi_, "event", out, [&](const podium_buffer* buffer, podium_error* err) {
      return events_->event(abi_.self(), stream_, &told, buffer, err);
    });
  }
  void tick(std::string& out) override {
    format(abi_, "tick", out, [&](const podium_buffer* buffer, podium_error* err) {
      return abi_->tick(abi_.self(), stream_, buffer, err);
    });
  }
  void chunk(unsigned stream, std::string_view data, std::string& out) override {
    format(abi_, "chunk", out, [&](const podium_buffer* buffer, podium_error* err) {
      return abi_->chunk(abi_.self(), stream_, stream, to_bytes(data), buffer, err);
    });
  }
  void finish(int status, std::string_view json, std::string& out) override {
    podium_result result = result_of(status, json);
    format(abi_, "finish", out, [&](const podium_buffer* buffer, podium_error* err) {
      return abi_->finish(abi_.self(), stream_, &result, buffer, err);
    });
  }

 private:
  const AbiResponse& abi_;
  const podium_event_stream* events_;
  podium_response_stream* stream_;
};

class PluginResponse final
    : public PluginInstance<Response, podium_response_factory, podium_response> {
 public:
  explicit PluginResponse(InstanceParts parts)
      : PluginInstance(std::move(parts), kResponseSize10, &missing_function) {
    podium_response_traits traits{};
    traits.size = sizeof traits;
    call_plugin(abi_.who(), "get_traits", [&] { abi_->get_traits(abi_.self(), &traits); });
    take(traits);
    events_ = abi_.extension<podium_event_stream>(PODIUM_EXT_EVENT_STREAM);
    if (events_ != nullptr && !first_window_) {
      throw Failure(Code::kInternal, abi_.who() +
                                         ": it tells events but never streams; expected a "
                                         "window, 0 for at once");
    }
  }

  const std::string& media_type() const noexcept override { return media_type_; }
  std::optional<milliseconds> first_window() const noexcept override { return first_window_; }
  milliseconds interval() const noexcept override { return interval_; }
  bool tells_events() const noexcept override { return events_ != nullptr; }

  std::unique_ptr<ResponseStream> begin(std::string& out) override {
    podium_response_stream* stream = nullptr;
    format(abi_, "begin", out, [&](const podium_buffer* buffer, podium_error* err) {
      return abi_->begin(abi_.self(), &stream, buffer, err);
    });
    if (stream == nullptr) throw Failure(Code::kInternal, abi_.who() + ": begin gave no stream");
    return std::make_unique<PluginStream>(abi_, events_, stream);
  }

  void finish(int status, std::string_view json, std::string& out) override {
    podium_result result = result_of(status, json);
    format(abi_, "finish", out, [&](const podium_buffer* buffer, podium_error* err) {
      return abi_->finish(abi_.self(), nullptr, &result, buffer, err);
    });
  }

 private:
  /// Refuses traits that would break the wire: the media type becomes a header, the times timers.
  void take(const podium_response_traits& traits) {
    media_type_ = to_view(traits.media_type);
    bool printable = std::all_of(media_type_.begin(), media_type_.end(),
                                 [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!printable || media_type_.find('/') == std::string::npos || media_type_.size() > 200) {
      throw Failure(Code::kInternal, abi_.who() +
                                         ": its media type is none, expected for "
                                         "example \"application/json\"");
    }
    if (traits.first_window_ms < 0) return;
    first_window_ = milliseconds(traits.first_window_ms);
    interval_ = milliseconds(traits.interval_ms);
    if (interval_ < milliseconds(10)) {
      throw Failure(Code::kInternal, abi_.who() + ": its interval is " +
                                         std::to_string(traits.interval_ms) +
                                         " ms, expected at least 10");
    }
  }

  std::string media_type_;
  std::optional<milliseconds> first_window_;
  milliseconds interval_{0};
  const podium_event_stream* events_ = nullptr;
};

}  // namespace

std::shared_ptr<Instance> make_response(InstanceParts parts) {
  return std::make_shared<PluginResponse>(std::move(parts));
}

void check_response(InstanceParts parts) {
  AbiResponse dry(std::move(parts), PODIUM_DRY_RUN, kResponseSize10, &missing_function);
}

}  // namespace podium
