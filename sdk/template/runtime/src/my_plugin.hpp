#pragma once
#include <podium/plugin.hpp>

#include <chrono>
#include <string>
#include <thread>

/// A runtime: "runs" a program by giving its code back. Put your interpreter into execute().
class MyPlugin final : public podium::sdk::BlockingRuntime {
 public:
  /// What an instance can be told in the configuration. The host checks types, units and bounds,
  /// and refuses keys that are not here.
  static constexpr podium_option kOptions[] = {
      podium::sdk::option_string("greeting", "", "Text put before what is given back"),
  };

  /// What a table cannot say. Called by `podiumd --check` and before a reload, without an instance.
  static void check(const podium::sdk::Options& options) {
    if (options.string("greeting").find('\n') != std::string::npos) {
      throw podium::sdk::Error(PODIUM_INVALID_ARGUMENT,
                               "greeting has more than one line, expected one");
    }
  }

  MyPlugin(podium::sdk::Host host, const podium::sdk::Options& options)
      : BlockingRuntime(host), greeting_(options.string("greeting")) {
    check(options);
  }

  /// One program, on a thread of the host's pool; many at once. The value is its exit status.
  int execute(const podium::sdk::Request& request, podium::sdk::Sink& sink) override {
    if (request.code == "forever") {
      while (!sink.should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return 0;
    }
    sink.out(greeting_);
    sink.out(request.code);
    return 0;
  }

 private:
  const std::string greeting_;
};
