#pragma once
#include <podium/plugin.hpp>

#include <chrono>
#include <memory>
#include <string>

/// A response strategy: JSON after lines that keep a slow answer alive.
///
/// Pure formatting: nothing here waits. The host calls tick() by its own timer.
class MyPlugin final : public podium::sdk::Response {
 public:
  static constexpr podium_option kOptions[] = {
      podium::sdk::option_duration("window", "1s",
                                   "A result within it is an ordinary answer with its true status",
                                   "100ms", "4s"),
      podium::sdk::option_duration("interval", "2s", "Time between two lines after the window",
                                   "100ms", "4s"),
  };

  MyPlugin(podium::sdk::Host, const podium::sdk::Options& options)
      : window_(options.duration("window")), interval_(options.duration("interval")) {}

  podium::sdk::Traits traits() const noexcept override {
    return {"application/json", window_, interval_};
  }

  /// The answer becomes a stream.
  std::unique_ptr<podium::sdk::ResponseStream> begin(const podium::sdk::Buffer& out) override {
    auto stream = std::make_unique<Stream>();
    stream->tick(out);
    return stream;
  }

  /// An ordinary answer.
  void finish(const podium::sdk::Result& result, const podium::sdk::Buffer& out) override {
    out.append(result.json);
  }

 private:
  class Stream final : public podium::sdk::ResponseStream {
   public:
    /// White space may stand before a JSON document (RFC 8259, 2).
    void tick(const podium::sdk::Buffer& out) override { out.append("\n"); }
    void finish(const podium::sdk::Result& result, const podium::sdk::Buffer& out) override {
      out.append(result.json);
    }
  };

  const std::chrono::milliseconds window_, interval_;
};
