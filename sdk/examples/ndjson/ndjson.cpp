// A response strategy: one JSON document a line while a program runs. Output comes as it is
// printed,
// {"stdout":"..."}, and the last line is {"result":{...}}.
#include <podium/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace podium::sdk;

/// Whether a continuation byte of UTF-8.
bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u; }

/// Length of the UTF-8 character at the beginning, 0 when there is none. Overlong forms and
/// surrogates are none.
std::size_t character_at(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!continues(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return wrong ? 0 : size;
}

/// A program may print anything: what is no UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = character_at(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else if (c < 0x20 || c == '"' || c == '\\') {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out + "\"";
}

class Ndjson final : public Response {
 public:
  static constexpr podium_option kOptions[] = {
      option_duration("window", "200ms",
                      "A result within it is an ordinary answer with its true status", "100ms",
                      "4s"),
      option_duration("interval", "2s", "Longest silence", "100ms", "4s"),
  };

  Ndjson(Host, const Options& options)
      : window_(options.duration("window")), interval_(options.duration("interval")) {}

  Traits traits() const noexcept override { return {"application/x-ndjson", window_, interval_}; }

  std::unique_ptr<ResponseStream> begin(const Buffer& out) override {
    auto stream = std::make_unique<Stream>();
    stream->tick(out);
    return stream;
  }
  void finish(const Result& result, const Buffer& out) override { out.append(result.json); }

 private:
  class Stream final : public ResponseStream {
   public:
    void tick(const Buffer& out) override { out.append("{}\n"); }
    void chunk(std::uint32_t stream, std::string_view data, const Buffer& out) override {
      if (data.empty()) return;
      out.append(stream == 1 ? "{\"stdout\":" : "{\"stderr\":");
      out.append(quoted(data));
      out.append("}\n");
    }
    void finish(const Result& result, const Buffer& out) override {
      out.append("{\"result\":");
      out.append(result.json);
      out.append("}\n");
    }
  };

  const std::chrono::milliseconds window_, interval_;
};

}  // namespace

PODIUM_RESPONSE_PLUGIN(Ndjson, "org.example.ndjson", "0.1.0",
                       "A JSON document a line while a program runs");
