// A response that makes every call visible, in capitals.
#include <podium/plugin.hpp>

#include <string>

namespace {

using namespace podium::sdk;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

class Upper final : public Response {
 public:
  static constexpr podium_option kOptions[] = {
      option_duration("window", "50ms", "See podium_response_traits", "0s", "1s"),
  };

  Upper(Host host, const Options& options) : host_(host), window_(options.duration("window")) {}

  Traits traits() const noexcept override {
    return {"text/plain", window_, std::chrono::milliseconds(20)};
  }
  std::unique_ptr<ResponseStream> begin(const Buffer& out) override {
    out.append("<");
    return std::make_unique<Stream>(host_);
  }
  void finish(const Result& result, const Buffer& out) override {
    if (result.json == "fail") {
      out.append("half an ");
      throw Error(PODIUM_INTERNAL, "cannot format this");
    }
    out.append(std::to_string(result.status) + upper(result.json));
  }

 private:
  class Stream final : public ResponseStream {
   public:
    explicit Stream(Host host) : host_(host) {}
    ~Stream() override { host_.info("stream ended"); }
    void tick(const Buffer& out) override { out.append("."); }
    void chunk(std::uint32_t stream, std::string_view data, const Buffer& out) override {
      out.append(std::to_string(stream) + upper(data));
    }
    void finish(const Result& result, const Buffer& out) override {
      out.append(upper(result.json) + ">");
    }

   private:
    Host host_;
  };

  Host host_;
  std::chrono::milliseconds window_;
};

}  // namespace

PODIUM_RESPONSE_PLUGIN(Upper, "org.podium.test.upper", "1.0.0", "Answers in capitals");
