#pragma once
#include <podium/plugin.hpp>

namespace podium::response {

/// White space while a run takes long, then its JSON.
///
/// Clients that reuse connections give up on one that is silent for 5 s (and some hang up on a
/// response that has not begun by then). White space before a JSON document is part of JSON
/// (RFC 8259, 2), so every JSON reader takes the stream for one document; the bounds of the options
/// keep any silence below 5 s.
class Heartbeat final : public sdk::Response {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_duration("window", "1s",
                           "A result within it is an ordinary answer with its true status", "100ms",
                           "4s"),
      sdk::option_duration("interval", "2s", "Time between two beats after the window", "100ms",
                           "4s"),
  };

  Heartbeat(sdk::Host, const sdk::Options& options)
      : window_(options.duration("window")), interval_(options.duration("interval")) {}

  sdk::Traits traits() const noexcept override { return {"application/json", window_, interval_}; }

  std::unique_ptr<sdk::ResponseStream> begin(const sdk::Buffer& out) override {
    auto stream = std::make_unique<Stream>();
    stream->tick(out);
    return stream;
  }

  void finish(const sdk::Result& result, const sdk::Buffer& out) override {
    out.append(result.json);
  }

 private:
  class Stream final : public sdk::ResponseStream {
   public:
    void tick(const sdk::Buffer& out) override { out.append(" "); }
    void finish(const sdk::Result& result, const sdk::Buffer& out) override {
      out.append(result.json);
    }
  };

  std::chrono::milliseconds window_;
  std::chrono::milliseconds interval_;
};

}  // namespace podium::response
