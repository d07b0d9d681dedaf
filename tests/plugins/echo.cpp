// A runtime on the blocking adapter: the code is a command of this file.
#include <podium/plugin.hpp>

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace {

using namespace podium::sdk;

class Echo final : public BlockingRuntime, public Health, public Metrics {
 public:
  static constexpr podium_option kOptions[] = {
      option_string("tag", "", "Text put before what is echoed"),
      option_integer("slots", "0", "Runs at a time, 0 for any number", "0", "100"),
  };

  static void check(const Options& options) {
    if (options.string("tag") == "bad") {
      throw Error(PODIUM_INVALID_ARGUMENT, "tag is bad, expected a good one");
    }
  }

  Echo(Host host, const Options& options)
      : BlockingRuntime(host),
        tag_(options.string("tag")),
        slots_(static_cast<std::uint32_t>(options.integer("slots"))) {
    check(options);
    host.info("echo up " + tag_);
  }
  ~Echo() override { host().info("echo down " + tag_); }

  std::uint32_t max_concurrency() const noexcept override { return slots_; }

  int execute(const Request& request, Sink& sink) override {
    ++runs_;
    sink.out(tag_);
    if (request.code == "fail") throw Error(PODIUM_UNAVAILABLE, "no interpreter");
    if (request.code == "wait") {
      while (!sink.should_stop()) std::this_thread::yield();
      return 0;
    }
    if (request.code == "read") {  // until the writer of the input closes it
      char text[64];
      ssize_t n;
      while ((n = ::read(request.inputs.at(0).descriptor.get(), text, sizeof text)) > 0) {
        sink.out(std::string_view(text, static_cast<std::size_t>(n)));
      }
      return 0;
    }
    sink.out(request.code);
    for (const std::string& argument : request.arguments) sink.out(" " + argument);
    sink.err(request.standard_input);
    for (const std::string& variable : request.environment) sink.err(" " + variable);
    sink.err(" " + std::to_string(request.limits.wall_ms));
    return 7;
  }

  HealthReport health(std::chrono::milliseconds) override {
    return {PODIUM_DEGRADED, "{\"tag\":\"" + tag_ + "\"}"};
  }
  void collect(const MetricSink& metrics) override {
    metrics.counter("echo_runs_total", "Runs so far", runs_, "kind=\"all\"");
    metrics.gauge("echo_constant", "Always one", 1);
    metrics.gauge("not a name", "Left out by the host", 1);
  }

 private:
  std::string tag_;
  std::uint32_t slots_;
  std::atomic<int> runs_{0};
};

}  // namespace

PODIUM_RUNTIME_PLUGIN(Echo, "org.podium.test.echo", "1.2.3", "Echoes its code");
