// A storage on a plain HTTP server: PUT, GET, HEAD and DELETE of /SPACE/KEY, where KEY is
// hexadecimal, and GET of /SPACE/?prefix=KEY for a list. server.py beside this file is such a
// server.
#include <podium/plugin.hpp>

#include "http_call.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace {

using namespace podium::sdk;

std::string hexadecimal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string from_hexadecimal(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
    out += static_cast<char>(value);
  }
  return out;
}

template <class T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(PODIUM_INTERNAL,
                "the blob server says '" + std::string(text) + "', expected a number");
  }
  return value;
}

class HttpStorage final : public Storage, public Health {
 public:
  static constexpr podium_option kOptions[] = {
      option_string("server", nullptr, "Address and port of the server, such as 127.0.0.1:8080"),
      option_string("space", "podium", "What the server keeps apart from the blobs of others"),
  };

  static void check(const Options& options) {
    parse_address(options.string("server"));
    if (options.string("space").empty())
      throw Error(PODIUM_INVALID_ARGUMENT, "space is empty, expected a name");
  }

  HttpStorage(Host, const Options& options)
      : server_(parse_address(options.string("server"))),
        folder_("/" + hexadecimal(options.string("space")) + "/") {
    check(options);
  }

  void put(std::string_view key, const Source& source) override {
    const std::int64_t length =
        source.expected() ? static_cast<std::int64_t>(*source.expected()) : -1;
    HttpCall call(server_, "PUT", target(key), length);
    std::string buffer(65'536, '\0');
    std::uint64_t sent = 0;
    while (const std::size_t n = source.read(buffer.data(), buffer.size())) {
      sent += n;
      if (length >= 0 && sent > static_cast<std::uint64_t>(length))
        break;  // never more than was announced
      call.send({buffer.data(), n});
    }
    // A body that is shorter than announced makes the server drop it.
    if (length >= 0 && sent != static_cast<std::uint64_t>(length)) {
      throw Error(PODIUM_INVALID_ARGUMENT, "the sender gave another length than it said");
    }
    call.finish_body();
    expect(call, 200);
  }

  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const BlobSink& sink) override {
    const std::string range = "X-Range: " + std::to_string(offset) + " " +
                              (length == UINT64_MAX ? std::string("end") : std::to_string(length)) +
                              "\r\n";
    HttpCall call(server_, "GET", target(key), 0, range);
    expect(call, 200);
    call.read_body([&](std::string_view piece) { sink.write(piece); });
  }

  Blob head(std::string_view key) override {
    HttpCall call(server_, "HEAD", target(key), 0);
    expect(call, 200);
    return {{}, call.content_length(), number<std::int64_t>(call.header("x-modified-ms"))};
  }

  void list(std::string_view prefix, const BlobVisitor& each) override {
    HttpCall call(server_, "GET", folder_ + "?prefix=" + hexadecimal(prefix), 0);
    expect(call, 200);
    std::string text;
    call.read_body([&](std::string_view piece) { text += piece; });
    // A line each: KEY LENGTH MODIFIED.
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view line = std::string_view(text).substr(at, end - at);
      const std::size_t first = line.find(' '), second = line.rfind(' ');
      if (first == second)
        throw Error(PODIUM_INTERNAL, "the blob server's list has a line that is none");
      const std::string key = from_hexadecimal(line.substr(0, first));
      if (!each({key, number<std::uint64_t>(line.substr(first + 1, second - first - 1)),
                 number<std::int64_t>(line.substr(second + 1))})) {
        return;
      }
      at = end + 1;
    }
  }

  void remove(std::string_view key) override {
    HttpCall call(server_, "DELETE", target(key), 0);
    expect(call, 200);
  }

  HealthReport health(std::chrono::milliseconds) override {
    try {
      HttpCall call(server_, "HEAD", folder_, 0);
      expect(call, 200);
      return {PODIUM_HEALTHY,
              "{\"server\":\"" + server_.host + ":" + std::to_string(server_.port) + "\"}"};
    } catch (const Error&) {
      return {PODIUM_UNHEALTHY, "{\"error\":\"the blob server does not answer\"}"};
    }
  }

 private:
  std::string target(std::string_view key) const { return folder_ + hexadecimal(key); }

  static void expect(HttpCall& call, int wanted) {
    const int status = call.status();
    if (status == wanted) return;
    if (status == 404) throw Error(PODIUM_NOT_FOUND, "no blob of that key");
    if (status == 416) throw Error(PODIUM_INVALID_ARGUMENT, "the range ends behind the blob");
    throw Error(PODIUM_UNAVAILABLE, "the blob server answered " + std::to_string(status));
  }

  const Address server_;
  const std::string folder_;
};

}  // namespace

PODIUM_STORAGE_PLUGIN(HttpStorage, "org.example.http-storage", "0.1.0",
                      "Blobs on a plain HTTP server");
