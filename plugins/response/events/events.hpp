#pragma once
#include <podium/plugin.hpp>

#include <string>

namespace podium::response {

/// What happens in a run while it happens, as server-sent events (WHATWG HTML, 9.2): each has its
/// id, its name and one line of JSON; a comment keeps the connection alive when nothing happens.
class Events final : public sdk::Response, public sdk::EventStreams {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_duration("keep_alive", "2s",
                           "A comment is sent when nothing has happened for so long", "100ms",
                           "60s"),
  };

  Events(sdk::Host, const sdk::Options& options) : keep_alive_(options.duration("keep_alive")) {}

  sdk::Traits traits() const noexcept override {
    return {"text/event-stream", std::chrono::milliseconds(0), keep_alive_};
  }

  std::unique_ptr<sdk::ResponseStream> begin(const sdk::Buffer&) override {
    return std::make_unique<Stream>();
  }

  /// For a host that knows nothing of events: the result is the only one.
  void finish(const sdk::Result& result, const sdk::Buffer& out) override {
    Stream().finish(result, out);
  }

 private:
  class Stream final : public sdk::ResponseStream {
   public:
    void tick(const sdk::Buffer& out) override { out.append(": keep-alive\n\n"); }

    void event(const sdk::Event& event, const sdk::Buffer& out) override {
      std::string head = "id: " + std::to_string(event.id) + "\nevent: ";
      head.append(event.name).append("\ndata: ");
      out.append(head);
      out.append(event.json);
      out.append("\n\n");
    }

    void finish(const sdk::Result& result, const sdk::Buffer& out) override {
      event({1, "end", result.json}, out);
    }
  };

  std::chrono::milliseconds keep_alive_;
};

}  // namespace podium::response
