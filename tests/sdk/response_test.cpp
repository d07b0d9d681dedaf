#include <podium/plugin.hpp>
#include <podium/testing.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace podium::sdk;
using podium::sdk::testing::BufferSink;
using podium::sdk::testing::call;
using podium::sdk::testing::FakeHost;
using podium::sdk::testing::make_config;
using podium::sdk::testing::ResponseInstance;

namespace {

/// Writes down its calls; its streams say in the log when they end.
class Scribe : public Response {
 public:
  Scribe(Host host, const Options&) : host_(host) {}
  Traits traits() const noexcept override {
    return {"text/plain", std::chrono::milliseconds(1500), std::chrono::milliseconds(250)};
  }
  std::unique_ptr<ResponseStream> begin(const Buffer& out) override {
    out.append("begin ");
    return std::make_unique<Stream>(host_);
  }
  void finish(const Result& result, const Buffer& out) override {
    if (result.json.empty()) throw std::runtime_error("nothing to say");
    out.append(std::to_string(result.status));
    out.append(result.json);
  }

 private:
  class Stream : public ResponseStream {
   public:
    explicit Stream(Host host) : host_(host) {}
    ~Stream() override { host_.info("stream ended"); }
    void tick(const Buffer& out) override { out.append("tick "); }
    void chunk(std::uint32_t stream, std::string_view data, const Buffer& out) override {
      out.append(std::to_string(stream) + std::string(data) + " ");
    }
    void finish(const Result& result, const Buffer& out) override { out.append(result.json); }

   private:
    Host host_;
  };

  Host host_;
};

/// Never streams and does not say how.
class Short : public Response {
 public:
  Short(Host, const Options&) {}
  Traits traits() const noexcept override { return {}; }
  std::unique_ptr<ResponseStream> begin(const Buffer&) override { return nullptr; }
  void finish(const Result&, const Buffer&) override {}
};

podium_result result(std::string_view json) { return {sizeof(podium_result), 200, bytes(json)}; }

podium_response_traits traits_of(const podium_response* response) {
  podium_response_traits traits{};
  traits.size = sizeof traits;
  response->get_traits(response->self, &traits);
  return traits;
}

}  // namespace

TEST(ResponseThunks, TellTheTraits) {
  FakeHost host;
  ResponseInstance<Scribe> scribe(host.raw(), make_config());
  ResponseInstance<Short> shorty(host.raw(), make_config());

  podium_response_traits traits = traits_of(scribe.operator->());

  EXPECT_STREQ(traits.media_type, "text/plain");
  EXPECT_EQ(traits.first_window_ms, 1500);
  EXPECT_EQ(traits.interval_ms, 250);
  EXPECT_EQ(traits_of(shorty.operator->()).first_window_ms, -1);
}

TEST(ResponseThunks, DriveAStreamThroughItsLife) {
  FakeHost host;
  ResponseInstance<Scribe> scribe(host.raw(), make_config());
  BufferSink out;
  podium_response_stream* stream = nullptr;
  podium_result done = result("{}");

  call(scribe->begin, scribe.self(), &stream, out.raw());
  call(scribe->tick, scribe.self(), stream, out.raw());
  call(scribe->chunk, scribe.self(), stream, 2u, bytes("err"), out.raw());
  call(scribe->finish, scribe.self(), stream, &done, out.raw());
  EXPECT_FALSE(host.logged(PODIUM_INFO, "stream ended"));
  scribe->end_stream(scribe.self(), stream);

  EXPECT_EQ(out.text(), "begin tick 2err {}");
  EXPECT_TRUE(host.logged(PODIUM_INFO, "stream ended"));
}

TEST(ResponseThunks, FinishAnOrdinaryAnswerWithoutAStream) {
  FakeHost host;
  ResponseInstance<Scribe> scribe(host.raw(), make_config());
  BufferSink out;
  podium_result done{sizeof(podium_result), 404, bytes("{}")};

  call(scribe->finish, scribe.self(), nullptr, &done, out.raw());

  EXPECT_EQ(out.text(), "404{}");
}

TEST(ResponseThunks, ReportWhatFinishThrows) {
  FakeHost host;
  ResponseInstance<Scribe> scribe(host.raw(), make_config());
  BufferSink out;
  podium_result done = result("");

  EXPECT_THROW(call(scribe->finish, scribe.self(), nullptr, &done, out.raw()), Error);
}

TEST(ResponseThunks, ReportThatTheHostIsOutOfMemory) {
  FakeHost host;
  ResponseInstance<Scribe> scribe(host.raw(), make_config());
  BufferSink out;
  out.fail();
  podium_response_stream* stream = nullptr;
  podium_error err{};
  err.size = sizeof err;

  EXPECT_EQ(scribe->begin(scribe.self(), &stream, out.raw(), &err), PODIUM_RESOURCE_EXHAUSTED);
  EXPECT_EQ(stream, nullptr);
}
